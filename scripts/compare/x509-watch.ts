// Opens an X509Source and prints one line for every X.509-SVID that it gives: its serial number, and when it was seen.
import { createX509Source } from 'svidkit/workload-api';
import { verifyX509Svid } from 'svidkit/x509-svid';

const [address] = process.argv.slice(2);
const source = createX509Source({ address, keepProcessAlive: true });
let previous: string | undefined;
for await (const { defaultSvid } of source.updates()) {
  const serial = defaultSvid.certificates[0]?.serialNumber;
  if (serial === previous) continue;
  previous = serial;
  verifyX509Svid(defaultSvid.certificates, source);
  console.log(JSON.stringify({ serial, at: performance.timeOrigin + performance.now() }));
}
