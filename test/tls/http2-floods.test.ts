import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { connectHttp2, createHttp2Server } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listen, rawConnect } from '../support/connections.js';
import { ask, urlOf } from '../support/http2.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, Side } from '../support/mtls.js';
import { FRAME, frame } from '../support/raw-http2.js';
import { until } from '../support/until.js';
import { makeLeaf } from '../support/x509.js';

const [END_STREAM_AND_HEADERS, CANCEL] = [0x5, Buffer.from([0, 0, 0, 8])];
/** RFC 7541 appendix A: GET, https, `/`; and an authority of one letter. */
const HEADERS = Buffer.from([0x82, 0x87, 0x84, 0x01, 0x01, 0x78]);

let port: number;
let handled: number;
let open: number;
let most: number;

beforeEach(async () => {
  [handled, open, most] = [0, 0, 0];
  const server = createHttp2Server(new Side(ourSvid(SERVER)));
  server.on('stream', (stream, headers) => {
    handled += 1;
    open += 1;
    most = Math.max(most, open);
    stream.once('close', () => {
      open -= 1;
    });
    if (headers[':authority'] !== 'x') stream.end('served');
  });
  port = await listen(server);
});

/** A client that was admitted and then sends what it likes, until the server has had enough. */
async function flood(total: number, framesOf: (streamId: number) => readonly Buffer[]): Promise<TLSSocket> {
  const socket = await rawConnect(port, { ...pemIdentity(makeLeaf(ours, CLIENT)), ALPNProtocols: ['h2'] });
  socket.on('error', () => undefined).resume();
  socket.write(
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0))]),
  );
  for (let sent = 0; sent < total && socket.writable; sent += 500) {
    const batch = Array.from({ length: 500 }, (_, index) => framesOf(1 + 2 * (sent + index))).flat();
    if (!socket.write(Buffer.concat(batch))) await drainOrEnd(socket);
    await nextTurn();
  }
  return socket;
}

/** Whichever way the server hangs up. */
function drainOrEnd(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}

async function expectToServeOthers(): Promise<void> {
  const session = await connectHttp2(urlOf(port), new Side(ourSvid(CLIENT)));
  onTestFinished(() => session.destroy());
  expect((await ask(session)).body).toBe('served');
}

describe('a server of HTTP/2', () => {
  it('holds no more requests of a client at a time than it has said, and hangs up on one that goes on', async () => {
    const socket = await flood(50_000, (id) => [frame(FRAME.HEADERS, END_STREAM_AND_HEADERS, id, HEADERS)]);
    await until(() => socket.destroyed).toBe(true);
    expect(most).toBe(250);
    await until(() => open).toBe(0);
    await expectToServeOthers();
  });

  it('stops listening to a client that does nothing but cancel its requests', async () => {
    await flood(20_000, (id) => [
      frame(FRAME.HEADERS, END_STREAM_AND_HEADERS, id, HEADERS),
      frame(FRAME.RST_STREAM, 0, id, CANCEL),
    ]);
    expect(handled).toBeLessThan(10_000);
    await expectToServeOthers();
  });
});
