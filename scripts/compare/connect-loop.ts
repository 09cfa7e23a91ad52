// Keeps opening mutual TLS connections with svidkit, each for one line from the server. Prints a line for every X.509-SVID
// that its source gives, and one for every connection that failed.
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { exactly } from 'svidkit/id';
import { connectTls } from 'svidkit/tls';
import { createX509Source } from 'svidkit/workload-api';
import { verifyX509Svid } from 'svidkit/x509-svid';

const PATIENCE_MS = 5_000;

const [address, port = '', server = '', everyMs = ''] = process.argv.slice(2);
const source = createX509Source({ address, keepProcessAlive: true });
await source.ready();
await Promise.all([watch(), connectForever()]);

async function watch(): Promise<void> {
  let previous: string | undefined;
  for await (const { defaultSvid } of source.updates()) {
    const serial = defaultSvid.certificates[0]?.serialNumber;
    if (serial === previous) continue;
    previous = serial;
    verifyX509Svid(defaultSvid.certificates, source);
    print({ serial, at: performance.timeOrigin + performance.now() });
  }
}

async function connectForever(): Promise<never> {
  for (;;) {
    const begun = performance.now();
    try {
      await connect();
    } catch (error) {
      print({ failed: String(error) });
    }
    await sleep(Math.max(0, Number(everyMs) - (performance.now() - begun)));
  }
}

async function connect(): Promise<void> {
  const socket = await connectTls(
    { svid: source, bundles: source, authorize: exactly(server), handshakeTimeoutMs: PATIENCE_MS },
    { host: '127.0.0.1', port: Number(port) },
  );
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('the server sends nothing')));
  if ((await text(socket)) === '') throw new Error('the server hung up');
}

function print(line: object): void {
  console.log(JSON.stringify(line));
}
