import { once } from 'node:events';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { createHttp2Server, createHttpsAgent, createHttpsServer, getPeer } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { listen, rawConnect, rawExchange, readToEnd } from '../support/connections.js';
import { FollowedSide } from '../support/followed-side.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, theirBundle, theirs } from '../support/mtls.js';
import { until } from '../support/until.js';
import { makeLeaf, sourceOf } from '../support/x509.js';

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

let client: FollowedSide;
let server: FollowedSide;
/** The WebSockets of the server, by the sockets under them. */
let accepted: Map<Duplex, WebSocket>;
let drained: TLSSocket[];

beforeEach(() => {
  client = new FollowedSide(ourSvid(CLIENT));
  server = new FollowedSide(ourSvid(SERVER));
  accepted = new Map();
  drained = [];
});

/** Says to every WebSocket who it is, and then back whatever it says. */
async function serve(create: typeof createHttpsServer = createHttpsServer, options: object = {}): Promise<number> {
  const listening = create({ ...server, ...options });
  new WebSocketServer({ server: listening as never }).on('connection', (webSocket, request) => {
    accepted.set(request.socket, webSocket);
    webSocket.on('error', () => undefined);
    webSocket.on('message', (data) => webSocket.send(data.toString()));
    webSocket.send(`${getPeer(request).id}`);
  });
  return listen(listening as never);
}

/** Opens a WebSocket, and gives it with the first thing it was told and the identity of the server. */
async function open(port: number, options: object = {}) {
  const agent = createHttpsAgent({ ...client, ...options });
  onTestFinished(() => agent.destroy());
  const webSocket = new WebSocket(`wss://127.0.0.1:${port}`, { agent });
  onTestFinished(() => webSocket.terminate());
  const greeted = once(webSocket, 'message');
  const [[response], [greeting]] = await Promise.all([once(webSocket, 'upgrade'), greeted]);
  webSocket.on('error', () => undefined);
  return {
    webSocket,
    agent,
    greeting: String(greeting),
    peer: getPeer(response),
    socket: response.socket as TLSSocket,
  };
}

async function echo(webSocket: WebSocket, text: string): Promise<string> {
  webSocket.send(text);
  const [said] = await once(webSocket, 'message');
  return String(said);
}

describe('a WebSocket', () => {
  it('knows who is at either end', async () => {
    const { webSocket, greeting, peer } = await open(await serve());
    expect([greeting, `${peer.id}`]).toEqual([CLIENT, SERVER]);
    expect(await echo(webSocket, 'hello')).toBe('hello');
  });

  it('stands on a server of HTTP/2 that allows HTTP/1.1 as well', async () => {
    const port = await serve(((options: never) =>
      createHttp2Server(options, undefined, { allowHTTP1: true })) as never as typeof createHttpsServer);
    const { webSocket, greeting } = await open(port);
    expect(greeting).toBe(CLIENT);
    expect(await echo(webSocket, 'hello')).toBe('hello');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is not opened to a client that is refused, over %s', async (maxVersion) => {
    const identities = [{}, pemIdentity(makeLeaf(theirs, 'spiffe://example.org/admin'))];
    const port = await serve();
    for (const identity of identities) expect(await rawExchange(port, { ...identity, maxVersion }, UPGRADE)).toBe('');
    expect(accepted.size).toBe(0);
    expect(server.refused.map(({ code }) => code)).toEqual(['no_certificate', 'peer_refused']);
  });

  it('is not opened to a server that is refused', async () => {
    const identity = pemIdentity(makeLeaf(theirs, SERVER));
    const upgraded = vi.fn();
    const listening = createServer({ ...identity, requestCert: true, rejectUnauthorized: false }).on(
      'upgrade',
      upgraded,
    );
    await expect(open(await listen(listening))).rejects.toMatchObject({ code: 'peer_refused' });
    expect(upgraded).not.toHaveBeenCalled();
  });

  it('is not opened on a kept connection of a client that is no longer welcome', async () => {
    const port = await serve();
    const socket = await rawConnect(port, pemIdentity(makeLeaf(ours, CLIENT)));
    await until(() => server.followers).toBeGreaterThan(0);
    server.decide = () => false;
    socket.on('error', () => undefined).write(UPGRADE);
    expect(await readToEnd(socket)).toBe('');
    expect(accepted.size).toBe(0);
    expect(server.refused).toMatchObject([{ code: 'not_authorized' }]);
  });

  it('is closed in the same turn when the client is withdrawn', async () => {
    const { webSocket } = await open(await serve());
    const closed = once(webSocket, 'close');
    server.update(() => (server.bundleSource = sourceOf(theirBundle)));
    await nextTurn();
    expect([...accepted.keys()].map(({ destroyed }) => destroyed)).toEqual([true]);
    await closed;
    expect(server.refused).toMatchObject([{ code: 'peer_refused', claimedId: CLIENT }]);
  });

  it('is closed in the same turn when the server is withdrawn', async () => {
    const { webSocket, socket } = await open(await serve());
    const closed = once(webSocket, 'close');
    client.update(() => (client.decide = () => false));
    await nextTurn();
    expect(socket.destroyed).toBe(true);
    await closed;
  });

  it('stays open where that is not wanted', async () => {
    const { webSocket } = await open(await serve(createHttpsServer, { closeWithdrawn: false }));
    server.update(() => (server.decide = () => false));
    await nextTurn();
    expect(await echo(webSocket, 'still here')).toBe('still here');
  });

  it('stays open over rotations, with keep', async () => {
    const { webSocket } = await open(await serve());
    client.update(() => (client.current = ourSvid(CLIENT)));
    server.update(() => (server.current = ourSvid(SERVER)));
    await nextTurn();
    expect(await echo(webSocket, 'still here')).toBe('still here');
  });

  const onDrain = (socket: TLSSocket): void => void drained.push(socket);

  it('is to be closed by its server after a rotation, with drain', async () => {
    const port = await serve(createHttpsServer, { rotation: 'drain', onDrain });
    const { webSocket } = await open(port);
    await nextTurn();
    server.update(() => (server.current = ourSvid(SERVER)));
    await nextTurn();
    expect(drained).toEqual([...accepted.keys()]);
    expect(await echo(webSocket, 'one last word')).toBe('one last word');
    const closed = once(webSocket, 'close');
    for (const socket of drained) accepted.get(socket)?.close(1001);
    expect((await closed)[0]).toBe(1001);
    expect((await open(port)).peer.leaf.serialNumber).toBe(serial(server));
  });

  it('is to be closed by its client after a rotation, with drain', async () => {
    const { webSocket, socket } = await open(await serve(), { rotation: 'drain', onDrain });
    await nextTurn();
    client.update(() => (client.current = ourSvid(CLIENT)));
    await nextTurn();
    expect(drained).toEqual([socket]);
    expect(await echo(webSocket, 'one last word')).toBe('one last word');
  });

  it('that is opened on a connection which is already to be drained is told of when it is there', async () => {
    const port = await serve(createHttpsServer, { rotation: 'drain', onDrain });
    const socket = await rawConnect(port, pemIdentity(makeLeaf(ours, CLIENT)));
    await until(() => server.followers).toBeGreaterThan(0);
    server.update(() => (server.current = ourSvid(SERVER)));
    await nextTurn();
    expect(drained).toEqual([]);
    socket.write(UPGRADE);
    await until(() => drained).toHaveLength(1);
    expect(drained).toEqual([...accepted.keys()]);
  });
});

function serial({ current }: FollowedSide): string | undefined {
  return current instanceof Error ? undefined : current.certificates[0]?.serialNumber;
}
