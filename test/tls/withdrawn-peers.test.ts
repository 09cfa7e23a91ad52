import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { TlsError } from 'svidkit/errors';
import { createIssuer } from 'svidkit/issuer';
import { connectTls, createHttpsAgent, createHttpsServer, createTlsServer, createUndiciConnector } from 'svidkit/tls';
import { createX509Source } from 'svidkit/workload-api';
import { parseCertificateList } from 'svidkit/x509-svid';
import { Agent, fetch } from 'undici';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { call, listen } from '../support/connections.js';
import { x509Message } from '../support/delivered-messages.js';
import * as der from '../support/der-writer.js';
import { FollowedSide } from '../support/followed-side.js';
import { CLIENT, ourSvid, ours, SERVER, Side, theirBundle } from '../support/mtls.js';
import { type ListSpec, makeList, revokedEntry } from '../support/revocation-lists.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';
import { NOW, sourceOf } from '../support/x509.js';

const HOUR = 3_600_000;
const withdrawn = sourceOf(theirBundle);

let client: FollowedSide;
let server: FollowedSide;

beforeEach(() => {
  client = new FollowedSide(ourSvid(CLIENT));
  server = new FollowedSide(ourSvid(SERVER));
});

/** Every way of being withdrawn, seen from one side. */
const withdrawals: ReadonlyArray<readonly [what: string, code: string, change: (side: Side) => void]> = [
  ['the bundle is withdrawn', 'peer_refused', (side) => (side.bundleSource = withdrawn)],
  ['the authorizer changes its mind', 'not_authorized', (side) => (side.decide = () => false)],
  ['the certificate of the peer has expired', 'peer_expired', (side) => (side.now = NOW + HOUR)],
];

interface RawPair {
  readonly here: TLSSocket;
  readonly there: TLSSocket;
}

/** A client's socket and the server's socket at the other end, over which a line has gone. */
async function rawPair(atClient: Side = client, atServer: Side = server): Promise<RawPair> {
  const accepting = createTlsServer(atServer);
  const admitted = once(accepting, 'secureConnection');
  const here = await connectTls(atClient, { host: '127.0.0.1', port: await listen(accepting) });
  onTestFinished(() => void here.destroy());
  const [there] = (await admitted) as [TLSSocket];
  here.write('line');
  await once(there, 'data');
  return { here, there };
}

/** Why a socket was destroyed; it must be by the end of this turn of the event loop. */
async function endOf(socket: Socket): Promise<unknown> {
  const failure = once(socket, 'error').catch((error: unknown) => [error]);
  await nextTurn();
  expect(socket.destroyed).toBe(true);
  const [error] = await failure;
  return (error as TlsError).code;
}

/** A request that the server has begun and not answered. */
async function pending(
  agent: ReturnType<typeof createHttpsAgent>,
): Promise<{ outgoing: ClientRequest; there: Socket; port: number }> {
  const accepting = createHttpsServer(server);
  const port = await listen(accepting);
  const outgoing = request({ host: '127.0.0.1', port, agent });
  outgoing.end();
  const [incoming] = await once(accepting, 'request');
  return { outgoing, there: incoming.socket, port };
}

describe.each(withdrawals)('within the turn in which %s', (_, code, change) => {
  it('the socket of a client is destroyed with the reason', async () => {
    const { here } = await rawPair();
    client.update(() => change(client));
    expect(await endOf(here)).toBe(code);
  });

  it('the socket of a server is destroyed with the reason', async () => {
    const { there } = await rawPair();
    server.update(() => change(server));
    expect(await endOf(there)).toBe(code);
    expect(server.refused).toMatchObject([{ code, claimedId: CLIENT }]);
  });

  it('sockets that nobody listens to are destroyed, and no error goes uncaught', async () => {
    const { here, there } = await rawPair();
    for (const socket of [here, there]) socket.removeAllListeners('error');
    client.update(() => change(client));
    server.update(() => change(server));
    await nextTurn();
    expect([here.destroyed, there.destroyed]).toEqual([true, true]);
  });

  it('the request that an agent has sent fails, and so does the next', async () => {
    const agent = createHttpsAgent(client, { keepAlive: true });
    const { outgoing, port } = await pending(agent);
    const failure = once(outgoing, 'error').catch((error: unknown) => [error]);
    client.update(() => change(client));
    await nextTurn();
    expect(outgoing.socket?.destroyed).toBe(true);
    expect(await failure).toMatchObject([{ code }]);
    const next = code === 'peer_expired' ? 'identity_expired' : code;
    await expect(call(agent, port)).rejects.toMatchObject({ code: next });
  });

  it('a request that was answered in full is told nothing', async () => {
    const agent = createHttpsAgent(client, { keepAlive: false });
    const port = await listen(createHttpsServer(server, (_request, response) => void response.end()));
    const outgoing = request({ host: '127.0.0.1', port, agent });
    const told = vi.fn();
    outgoing.on('error', told).end();
    const [incoming] = await once(outgoing, 'response');
    await text(incoming);
    expect(incoming.socket.destroyed).toBe(false);
    client.update(() => change(client));
    await once(outgoing, 'close');
    expect(incoming.socket.destroyed).toBe(true);
    expect(told).not.toHaveBeenCalled();
  });

  it('the idle connection of an agent is destroyed', async () => {
    const agent = createHttpsAgent(client, { keepAlive: true });
    const port = await listen(createHttpsServer(server, (_request, response) => void response.end()));
    const { socket } = await call(agent, port);
    client.update(() => change(client));
    await nextTurn();
    expect(socket.destroyed).toBe(true);
  });

  it('the connection of a request that a server works on is destroyed', async () => {
    const agent = createHttpsAgent(client);
    const { outgoing, there } = await pending(agent);
    const failure = once(outgoing, 'error');
    server.update(() => change(server));
    await nextTurn();
    expect(there.destroyed).toBe(true);
    await failure;
    expect(server.refused).toMatchObject([{ code }]);
  });

  it('upgraded connections are destroyed at either end', async () => {
    const accepting = createHttpsServer(server);
    const there: Socket[] = [];
    accepting.on('upgrade', (_request, socket: Socket) => {
      there.push(socket.on('error', () => undefined));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const port = await listen(accepting);
    const upgrade = async (): Promise<Socket> => {
      const agent = createHttpsAgent(client);
      const headers = { Connection: 'Upgrade', Upgrade: 'x' };
      const outgoing = request({ host: '127.0.0.1', port, agent, headers });
      outgoing.end();
      const [, socket] = (await once(outgoing, 'upgrade')) as [unknown, Socket];
      return socket.on('error', () => undefined);
    };
    const here = await upgrade();
    client.update(() => change(client));
    expect(await endOf(here)).toBe(code);
    client = new FollowedSide(ourSvid(CLIENT));
    await upgrade();
    server.update(() => change(server));
    expect(await endOf(there[1] as Socket)).toBe(code);
  });
});

describe('fetch over undici', () => {
  it('fails with the reason when the bundle is withdrawn while it waits, and afterwards', async () => {
    const accepting = createHttpsServer(server);
    const url = `https://127.0.0.1:${await listen(accepting)}/`;
    const dispatcher = new Agent({ connect: createUndiciConnector(client) });
    onTestFinished(() => dispatcher.destroy());
    const asked = fetch(url, { dispatcher }).catch((error: unknown) => error);
    await once(accepting, 'request');
    client.update(() => {
      client.bundleSource = withdrawn;
    });
    expect(await asked).toMatchObject({ cause: { code: 'peer_refused' } });
    await expect(fetch(url, { dispatcher })).rejects.toMatchObject({ cause: { code: 'peer_refused' } });
  });
});

describe('where nothing tells of updates', () => {
  it('a connection lives on, and the next request on it is refused at either end', async () => {
    const [atClient, atServer] = [new Side(ourSvid(CLIENT)), new Side(ourSvid(SERVER))];
    const port = await listen(createHttpsServer(atServer, (_request, response) => void response.end()));
    const agent = createHttpsAgent(atClient, { keepAlive: true });
    onTestFinished(() => agent.destroy());
    const { socket } = await call(agent, port);
    atServer.bundleSource = withdrawn;
    await nextTurn();
    expect(socket.destroyed).toBe(false);
    expect(await call(agent, port)).toMatchObject({ reused: true, status: 421 });
    atServer.bundleSource = new Side(ourSvid(SERVER)).bundleSource;
    await call(agent, port);
    atClient.bundleSource = withdrawn;
    await expect(call(agent, port)).rejects.toMatchObject({ code: 'peer_refused' });
  });
});

describe('closeWithdrawn: false', () => {
  it('lets what is under way end, and refuses the next request', async () => {
    const options = { ...client, clock: client.clock, closeWithdrawn: false };
    const { here } = await rawPair(options as Side);
    const agent = createHttpsAgent(options, { keepAlive: true });
    const accepting = createHttpsServer(server);
    accepting.on('request', (incoming, response) => {
      if (incoming.url === '/withdraw') client.update(() => (client.bundleSource = withdrawn));
      setImmediate(() => response.end());
    });
    const port = await listen(accepting);
    expect((await call(agent, port, { path: '/withdraw' })).status).toBe(200);
    await expect(call(agent, port)).rejects.toMatchObject({ code: 'peer_refused' });
    expect(here.destroyed).toBe(false);
  });
});

describe('time', () => {
  it('ends a socket when the certificate of its peer expires', async () => {
    server.current = ourSvid(SERVER, { notAfter: new Date(NOW + 1000) });
    client.now = NOW + 950;
    const { here } = await rawPair();
    const failure = once(here, 'error').catch((error: unknown) => [error]);
    client.now = NOW + 1000;
    expect(await failure).toMatchObject([{ code: 'peer_expired', claimedId: SERVER }]);
  });

  it('ends a socket when the certificate that was presented on it expires', async () => {
    server.current = ourSvid(SERVER, { notAfter: new Date(NOW + 1000) });
    server.now = NOW + 950;
    const { there } = await rawPair();
    const failure = once(there, 'error').catch((error: unknown) => [error]);
    server.current = ourSvid(SERVER);
    server.now = NOW + 1000;
    expect(await failure).toMatchObject([{ code: 'identity_expired' }]);
  });
});

describe('a revocation list', () => {
  const listOf = (spec: ListSpec) => [parseCertificateList(makeList(ours, spec))];

  it('ends a socket when it revokes the peer', async () => {
    const serial = der.integer(0x1234);
    client.current = ourSvid(CLIENT, { serial });
    let lists = listOf({});
    const { there } = await rawPair(client, {
      ...server,
      clock: server.clock,
      crls: { getX509Crls: () => lists },
    } as Side);
    server.update(() => (lists = listOf({ entries: [revokedEntry(serial)] })));
    expect(await endOf(there)).toBe('peer_refused');
    expect(server.refused).toMatchObject([{ rule: 'revoked', claimedId: CLIENT }]);
  });

  it('ends a socket when it has run out', async () => {
    const lists = listOf({ nextUpdate: new Date(NOW + 1000) });
    server.now = NOW + 950;
    const { there } = await rawPair(client, {
      ...server,
      clock: server.clock,
      crls: { getX509Crls: () => lists },
    } as Side);
    const failure = once(there, 'error').catch((error: unknown) => [error]);
    server.now = NOW + 1001;
    expect(await failure).toMatchObject([{ code: 'peer_refused', rule: 'crl_not_current' }]);
  });
});

describe('the sources', () => {
  it('are followed while there are connections, once each, and not any longer', async () => {
    const connected: RawPair[] = [];
    for (let count = 0; count < 3; count += 1) connected.push(await rawPair(new Side(ourSvid(CLIENT))));
    expect(server.followers).toBe(6);
    const agent = createHttpsAgent(client, { keepAlive: true });
    const port = await listen(
      createHttpsServer(new Side(ourSvid(SERVER)), (_request, response) => void response.end()),
    );
    await Promise.all([call(agent, port), call(agent, port)]);
    expect(client.followers).toBe(2);
    agent.destroy();
    for (const { here } of connected) here.destroy();
    await until(() => [client.followers, server.followers]).toEqual([0, 0]);
  });

  it('and idle connections do not keep the process alive', async () => {
    const port = await listen(
      createHttpsServer(new Side(ourSvid(SERVER)), (_request, response) => void response.end()),
    );
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const agent = createHttpsAgent(client, { keepAlive: true });
    onTestFinished(() => agent.destroy());
    await call(agent, port);
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('on the Workload API are one source, and its withdrawal closes a connection', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await using endpoint = await ScriptedEndpoint.start();
    endpoint.x509.opening = { send: x509Message([await issuer.issueX509Svid(CLIENT)], issuer.bundle) };
    await using source = createX509Source({ address: endpoint.address });
    await source.ready();
    const workload = { svid: source, bundles: source, authorize: () => true };
    const accepting = createTlsServer(workload);
    const here = await connectTls(workload, { host: '127.0.0.1', port: await listen(accepting) });
    const failure = once(here, 'error').catch((error: unknown) => [error]);
    endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
    endpoint.x509.end(GrpcStatus.permissionDenied);
    expect(await failure).toMatchObject([{ code: 'bundle_failed', cause: { code: 'withdrawn' } }]);
  });
});

describe('a source that misbehaves', () => {
  const sources: ReadonlyArray<readonly [what: string, updates: () => unknown]> = [
    [
      'throws when it is to be followed',
      () => {
        throw new Error('closed');
      },
    ],
    ['gives no iterable', () => ({})],
    ['fails at once', () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('gone')) }) })],
    [
      'cannot be left',
      () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: () => Promise.reject(new Error('no')),
        }),
      }),
    ],
    ['ends at once', () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true }) }) })],
  ];

  it.each(sources)('and %s harms no connection', async (_, updates) => {
    const side = new Side(ourSvid(CLIENT));
    const bundles = { ...side.bundles, updates };
    const { here, there } = await rawPair({ ...side, clock: side.clock, bundles } as Side, new Side(ourSvid(SERVER)));
    await nextTurn();
    expect(here.destroyed).toBe(false);
    here.destroy();
    there.on('error', () => undefined).resume();
    await until(() => there.closed).toBe(true);
  });
});
