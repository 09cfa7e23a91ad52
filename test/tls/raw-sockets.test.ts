import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createNetServer, connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import { anyId } from 'svidkit/id';
import { connectTls, createTlsServer, getPeer, type TlsConnectOptions } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listen, rawConnect, rawExchange, readToEnd } from '../support/connections.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, Side, theirs } from '../support/mtls.js';
import { until } from '../support/until.js';
import { makeLeaf } from '../support/x509.js';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

let client: Side;
let server: Side;
let received: string[];

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  received = [];
});

/** Writes what it receives back, after the name of whoever sent it. */
function echo(socket: TLSSocket): void {
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    received.push(String(data));
    socket.write(`${getPeer(socket).id}: ${data}`);
  });
}

const to = (port: number, more: object = {}): TlsConnectOptions => ({ host: '127.0.0.1', port, ...more });

describe.each(VERSIONS)('over %s', (maxVersion) => {
  it('a client and a server see each other', async () => {
    const port = await listen(createTlsServer(server, echo));
    const socket = await connectTls(client, to(port, { maxVersion }));
    onTestFinished(() => void socket.destroy());
    socket.write('hello');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toBe(`${CLIENT}: hello`);
    expect([getPeer(socket).id.toString(), socket.getProtocol()]).toEqual([SERVER, maxVersion]);
  });

  it.each([
    ['another authority', pemIdentity(makeLeaf(theirs, CLIENT)), 'peer_refused'],
    ['no certificate', {}, 'no_certificate'],
    ['an identifier that is not admitted', pemIdentity(makeLeaf(ours, 'spiffe://example.org/other')), 'not_authorized'],
  ] as const)('no byte of a client with %s is delivered, and it learns nothing', async (_, identity, code) => {
    server.decide = (id) => id.toString() === CLIENT;
    const listening = createTlsServer(server, echo);
    listening.prependListener('secureConnection', () => received.push('a connection'));
    const port = await listen(listening);
    expect(await rawExchange(port, { ...identity, maxVersion }, 'hello'.repeat(1000))).toBe('');
    expect(server.refused).toMatchObject([{ code }]);
    expect(received).toEqual([]);
  });

  it('no byte of a server that is refused is delivered', async () => {
    const identity = pemIdentity(makeLeaf(theirs, SERVER));
    const options = { ...identity, maxVersion, requestCert: true, rejectUnauthorized: false };
    const ended: Array<Promise<string>> = [];
    const accepting = createServer(options, (socket) => {
      ended.push(readToEnd(socket));
      socket.write('welcome');
    });
    // In TLS 1.3 a client may be gone before the server has finished its handshake.
    accepting.on('tlsClientError', () => ended.push(Promise.resolve('')));
    const port = await listen(accepting);
    await expect(connectTls(client, to(port))).rejects.toMatchObject({ code: 'peer_refused', claimedId: SERVER });
    await until(() => ended.length).toBe(1);
    expect((await Promise.all(ended)).join('')).toBe('');
  });

  it('either side can go on writing when the other has ended', async () => {
    const listening = createTlsServer(
      server,
      (socket) => {
        socket.resume().on('end', () => {
          socket.write('one ');
          setImmediate(() => socket.end('two'));
        });
      },
      { allowHalfOpen: true, maxVersion },
    );
    const socket = await connectTls(client, to(await listen(listening), { allowHalfOpen: true }));
    socket.end('bye');
    expect(await readToEnd(socket)).toBe('one two');
  });
});

describe('connectTls', () => {
  it('rejects with the reason of a signal, before and while it connects', async () => {
    const silent: Socket[] = [];
    const port = await listen(createNetServer((socket) => silent.push(socket.on('error', () => undefined).resume())));
    const reason = new Error('not now');
    await expect(connectTls(client, to(port, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(silent).toEqual([]);
    const controller = new AbortController();
    const connecting = connectTls(client, to(port, { signal: controller.signal }));
    await until(() => silent.length).toBe(1);
    controller.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await until(() => silent[0]?.destroyed).toBe(true);
  });

  it('leaves the socket alone when the signal comes later', async () => {
    const controller = new AbortController();
    const port = await listen(createTlsServer(server, echo));
    const socket = await connectTls(client, to(port, { signal: controller.signal }));
    controller.abort();
    socket.write('still here');
    expect(String((await once(socket, 'data'))[0])).toContain('still here');
    socket.destroy();
  });

  it('gives up when the handshake takes too long', async () => {
    const port = await listen(createNetServer((socket) => void socket.on('error', () => undefined)));
    const options = { ...client, clock: client.clock, handshakeTimeoutMs: 50 };
    await expect(connectTls(options, to(port))).rejects.toMatchObject({ code: 'handshake_timeout' });
  });

  it('takes a time limit that no timer holds as none', async () => {
    const port = await listen(createTlsServer(server, echo));
    const options = { ...client, clock: client.clock, handshakeTimeoutMs: Number.POSITIVE_INFINITY };
    const socket = await connectTls(options, to(port));
    socket.destroy();
  });

  it('fails as Node says where nobody listens', async () => {
    const path = join(tmpdir(), 'svidkit-nobody-is-here');
    await expect(connectTls(client, { path })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    { ca: [] },
    { rejectUnauthorized: false },
    { checkServerIdentity: () => undefined },
    { session: Buffer.of() },
  ])('takes no option of Node that is for svidkit to decide: %o', async (options) => {
    await expect(connectTls(client, to(1, options))).rejects.toBeInstanceOf(TypeError);
    expect(() => createTlsServer(server, echo, options)).toThrow(TypeError);
  });

  it('threat 33: needs an authorizer, and so does a server', async () => {
    const without = { svid: client.svid, bundles: client.bundles } as unknown as Side;
    await expect(connectTls(without, to(1))).rejects.toBeInstanceOf(TypeError);
    expect(() => createTlsServer(without)).toThrow(TypeError);
    await expect(connectTls({ ...client, onDrain: 'x' } as never, to(1))).rejects.toBeInstanceOf(TypeError);
  });

  it('agrees on a protocol, over a Unix socket and through an open connection', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'svidkit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'socket');
    const listening = createTlsServer(server, echo, { ALPNProtocols: ['lines'] }).listen(path);
    onTestFinished(() => void listening.close());
    await once(listening, 'listening');
    for (const options of [{ path }, { socket: netConnect(path) }]) {
      const socket = await connectTls(client, { ...options, ALPNProtocols: ['other', 'lines'] });
      expect([socket.alpnProtocol, getPeer(socket).id.toString()]).toEqual(['lines', SERVER]);
      socket.destroy();
    }
  });

  it('a server refuses while it has nothing to present, and lives on', async () => {
    const svid = server.current;
    server.current = new Error('none');
    const port = await listen(createTlsServer({ ...server, clock: server.clock, authorize: anyId() }, echo));
    await expect(connectTls(client, to(port))).rejects.toThrow();
    await until(() => server.refused.map(({ code }) => code)).toEqual(['no_identity']);
    server.current = svid;
    const socket = await rawConnect(port, pemIdentity(makeLeaf(ours, CLIENT)));
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe(`${CLIENT}: hello`);
  });
});
