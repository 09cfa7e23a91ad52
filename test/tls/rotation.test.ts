import { once } from 'node:events';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { connectTls, createHttpsAgent, createHttpsServer, createTlsServer, createUndiciConnector } from 'svidkit/tls';
import { Agent, fetch } from 'undici';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, listen } from '../support/connections.js';
import { FollowedSide } from '../support/followed-side.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, Side } from '../support/mtls.js';
import { until } from '../support/until.js';
import { makeLeaf, NOW } from '../support/x509.js';

const HOUR = 3_600_000;
const POLICIES = ['keep', 'drain'] as const;
const anyone = pemIdentity(makeLeaf(ours, CLIENT));

let client: FollowedSide;
let server: FollowedSide;
let drained: TLSSocket[];

beforeEach(() => {
  client = new FollowedSide(ourSvid(CLIENT));
  server = new FollowedSide(ourSvid(SERVER));
  drained = [];
});

/** The side with a policy, and an ear for sockets to be drained. */
function withPolicy<S extends Side>(side: S, rotation: 'keep' | 'drain') {
  return { ...side, clock: side.clock, rotation, onDrain: (socket: TLSSocket) => void drained.push(socket) };
}

const rotate = (side: FollowedSide, id: string): void => side.update(() => (side.current = ourSvid(id)));

/** A connection by the hands of Node, to a server that may do with it what it likes. */
async function plainConnect(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...anyone, host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

describe.each(POLICIES)('rotation: %s', (rotation) => {
  it('an agent closes idle connections at once, and lets the one in use finish its response', async () => {
    const agent = createHttpsAgent(withPolicy(client, rotation), { keepAlive: true });
    onTestFinished(() => agent.destroy());
    const accepting = createHttpsServer(server, (incoming, response) => {
      if (incoming.url === '/now') response.end();
    });
    const port = await listen(accepting);
    const outgoing = request({ host: '127.0.0.1', port, agent, path: '/later' });
    outgoing.end();
    const [, response] = await once(accepting, 'request');
    const idle = (await call(agent, port, { path: '/now' })).socket;
    expect(idle.destroyed).toBe(false);
    rotate(client, CLIENT);
    await nextTurn();
    expect([idle.destroyed, outgoing.destroyed]).toEqual([true, false]);
    response.end('done');
    const [incoming] = await once(outgoing, 'response');
    const { socket } = incoming;
    expect((await incoming.toArray()).join('')).toBe('done');
    await until(() => socket.destroyed).toBe(true);
    expect((await call(agent, port, { path: '/now' })).reused).toBe(false);
  });

  it('undici closes idle connections at once', async () => {
    const accepted: Socket[] = [];
    const accepting = createHttpsServer(server, (_request, response) => void response.end());
    accepting.on('secureConnection', (socket: Socket) => accepted.push(socket));
    const dispatcher = new Agent({ connect: createUndiciConnector(withPolicy(client, rotation)) });
    onTestFinished(() => dispatcher.destroy());
    await (await fetch(`https://127.0.0.1:${await listen(accepting)}/`, { dispatcher })).text();
    await nextTurn();
    rotate(client, CLIENT);
    await until(() => accepted.map(({ closed }) => closed)).toEqual([true]);
  });

  it(`a server ${rotation === 'keep' ? 'keeps' : 'ends'} connections of the identity that was replaced`, async () => {
    const port = await listen(
      createHttpsServer(withPolicy(server, rotation), (_request, response) => void response.end()),
    );
    const agent = createHttpsAgent(client, { keepAlive: true });
    onTestFinished(() => agent.destroy());
    const before = await call(agent, port);
    expect(before.headers.connection).toBe('keep-alive');
    rotate(server, SERVER);
    await nextTurn();
    const after = await call(agent, port);
    expect([after.reused, after.headers.connection]).toEqual([true, rotation === 'keep' ? 'keep-alive' : 'close']);
    expect((await call(agent, port)).reused).toBe(rotation === 'keep');
  });

  it(`${rotation === 'keep' ? 'no' : 'every'} raw socket is to be ended`, async () => {
    const accepting = createTlsServer(withPolicy(server, rotation));
    const admitted = once(accepting, 'secureConnection');
    const here = await connectTls(withPolicy(client, rotation), { host: '127.0.0.1', port: await listen(accepting) });
    const [there] = await admitted;
    rotate(client, CLIENT);
    rotate(client, CLIENT);
    rotate(server, SERVER);
    await nextTurn();
    expect(drained).toEqual(rotation === 'keep' ? [] : [here, there]);
    expect([here.destroyed, there.destroyed]).toEqual([false, false]);
  });

  it('a connection is to be ended shortly before the first certificate expires', async () => {
    server.current = ourSvid(SERVER, { notAfter: new Date(NOW + 2000) });
    server.now = NOW + 1900;
    const accepting = createTlsServer(withPolicy(server, rotation));
    const admitted = once(accepting, 'secureConnection');
    await plainConnect(await listen(accepting));
    const [there] = await admitted;
    server.now = NOW + 1995;
    await until(() => drained).toEqual([there]);
    expect(there.destroyed).toBe(false);
    server.now = NOW + 2000;
    await until(() => there.destroyed).toBe(true);
  });
});

describe('a certificate that is about to expire', () => {
  it('is a reason to leave for the client first, and for the server later', async () => {
    server.current = ourSvid(SERVER, { notAfter: new Date(NOW + 2000) });
    client.now = server.now = NOW + 1900;
    const accepting = createTlsServer(withPolicy(server, 'keep'));
    const admitted = once(accepting, 'secureConnection');
    const port = await listen(accepting);
    const here = await connectTls(withPolicy(client, 'keep'), { host: '127.0.0.1', port });
    onTestFinished(() => void here.destroy());
    const [there] = await admitted;
    client.now = server.now = NOW + 1992;
    await until(() => drained).toEqual([here]);
    server.now = NOW + 1995;
    await until(() => drained).toEqual([here, there]);
  });
});

describe('an identity that is replaced', () => {
  it('during a handshake drains the connection that was made with the old one', async () => {
    const accepting = createTlsServer(withPolicy(server, 'drain'));
    const port = await listen(accepting);
    const sockets: TLSSocket[] = [];
    accepting.on('secureConnection', (socket: TLSSocket) => sockets.push(socket));
    accepting.once('connection', () => {
      server.current = ourSvid(SERVER);
      // A second connection begins before the first handshake ends, and presents the new identity.
      void plainConnect(port);
    });
    const first = await plainConnect(port);
    await until(() => sockets.length).toBe(2);
    const serials = sockets.map((socket) => socket.getX509Certificate()?.serialNumber);
    expect(new Set(serials).size).toBe(2);
    expect(drained.map(({ remotePort }) => remotePort)).toEqual([first.localPort]);
  });

  it('and equal to the one before drains nothing', async () => {
    const accepting = createTlsServer(withPolicy(server, 'drain'));
    await plainConnect(await listen(accepting));
    await until(() => server.followers).toBeGreaterThan(0);
    const same = server.current;
    server.update(() => (server.current = same));
    await nextTurn();
    expect(drained).toEqual([]);
  });

  it('many times leaves no connection that is idle and old behind', async () => {
    const agent = createHttpsAgent(withPolicy(client, 'keep'), { keepAlive: true });
    onTestFinished(() => agent.destroy());
    const serials = new Set<string>();
    const port = await listen(
      createHttpsServer(server, (incoming, response) => {
        serials.add((incoming.socket as TLSSocket).getPeerX509Certificate()?.serialNumber ?? '');
        setImmediate(() => response.end());
      }),
    );
    for (let round = 0; round < 20; round += 1) {
      const asked = Array.from({ length: 5 }, () => call(agent, port));
      rotate(client, CLIENT);
      const answers = await Promise.all(asked);
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    }
    expect(serials.size).toBe(20);
    const kept = Object.values(agent.freeSockets).flat() as TLSSocket[];
    const presented = kept.map((socket) => socket.getX509Certificate()?.serialNumber.toLowerCase());
    const newest = client.current instanceof Error ? '' : client.current.certificates[0]?.serialNumber;
    expect(new Set(presented).size).toBeLessThanOrEqual(1);
    expect(presented.every((serial) => serial === newest?.toLowerCase())).toBe(true);
  }, 60_000);

  it('is no reason to close what the other side still admits', async () => {
    const accepting = createTlsServer(new Side(ourSvid(SERVER)));
    const here = await connectTls(client, { host: '127.0.0.1', port: await listen(accepting) });
    client.update(() => (client.current = new Error('withdrawn')));
    await nextTurn();
    expect(here.destroyed).toBe(false);
    client.update(() => (client.now = NOW + HOUR));
    here.on('error', () => undefined);
    await nextTurn();
    expect(here.destroyed).toBe(true);
  });
});
