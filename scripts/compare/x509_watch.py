"""Opens the X509Source of the package spiffe and prints one line for every X.509-SVID that it gives: its serial number,
and when it was seen. The package has no verification of chains, so none is done here."""

import json
import sys
import threading
import time

from spiffe import X509Source

source = X509Source(socket_path=sys.argv[1], timeout_in_seconds=60)
changed = threading.Event()
source.subscribe_for_updates(changed.set)
previous = None
while True:
    serial = format(source.get_x509_context().default_svid.leaf.serial_number, "x")
    if serial != previous:
        previous = serial
        print(json.dumps({"serial": serial, "at": time.time() * 1000}), flush=True)
    # A source that has failed tells its subscribers nothing; it is asked again, and then throws.
    changed.wait(1)
    changed.clear()
