"""Keeps opening mutual TLS connections with the package spiffe and Python's own ssl, each for one line from the server.
Prints a line for every X.509-SVID that its source gives, and one for every connection that failed.

The package has no verification of chains; ssl verifies the server, and its identifier is compared here. ssl takes a
certificate and its key from files only, so that each SVID goes through a folder that nobody else can read."""

import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives.serialization import Encoding
from spiffe import X509Source

PATIENCE_SECONDS = 5

address, port, server, every_ms = sys.argv[1:]
source = X509Source(socket_path=address, timeout_in_seconds=60)
lock = threading.Lock()
seen = {"serial": None, "context": None}


def tell(line):
    print(json.dumps(line), flush=True)


def refresh():
    """Called by a thread of the source, as soon as it has something new."""
    with lock:
        x509_context = source.get_x509_context()
        serial = format(x509_context.default_svid.leaf.serial_number, "x")
        if serial != seen["serial"]:
            tell({"serial": serial, "at": time.time() * 1000})
        seen.update(serial=serial, context=tls_context(x509_context))


def tls_context(x509_context):
    svid = x509_context.default_svid
    bundle = x509_context.x509_bundle_set.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=b"".join(root.public_bytes(Encoding.DER) for root in bundle.x509_authorities))
    with tempfile.TemporaryDirectory() as folder:
        certificates, key = os.path.join(folder, "svid.pem"), os.path.join(folder, "key.pem")
        svid.save(certificates, key, Encoding.PEM)
        context.load_cert_chain(certificates, key)
    return context


def connect():
    with socket.create_connection(("127.0.0.1", int(port)), PATIENCE_SECONDS) as plain:
        with seen["context"].wrap_socket(plain) as connection:
            if ("URI", server) not in connection.getpeercert()["subjectAltName"]:
                raise ssl.SSLError("the server is somebody else")
            if connection.recv(16) == b"":
                raise EOFError("the server hung up")


source.subscribe_for_updates(refresh)
refresh()
while True:
    begun = time.monotonic()
    # A source that has failed tells its subscribers nothing; asked, it throws.
    source.get_x509_context()
    try:
        connect()
    except (OSError, EOFError) as error:
        with lock:
            tell({"failed": str(error)})
    time.sleep(max(0, int(every_ms) / 1000 - (time.monotonic() - begun)))
