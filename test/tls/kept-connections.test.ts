import { once } from 'node:events';
import { request } from 'node:https';
import { createServer as createNetServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { TlsError } from 'svidkit/errors';
import { createHttpsAgent, createHttpsServer, getPeer } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, listen, rawConnect, readToEnd } from '../support/connections.js';
import { freePort } from '../support/free-port.js';
import { CLIENT, ourBundle, ourSvid, ours, pemIdentity, SERVER, Side } from '../support/mtls.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';
import { CLIENT_CHANGES } from '../support/withdrawals.js';
import { bundleOf, makeAuthority, makeLeaf, NOW, sourceOf } from '../support/x509.js';

const HOUR = 3_600_000;
const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

let client: Side;
let server: Side;
let handled: string[];

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  handled = [];
});

function listening(): ReturnType<typeof createHttpsServer> {
  return createHttpsServer(server, (request, response) => {
    handled.push(request.url ?? '');
    response.end(getPeer(request).leaf.serialNumber);
  });
}

function keepingAgent(options: object = {}): ReturnType<typeof createHttpsAgent> {
  const agent = createHttpsAgent(client, { keepAlive: true, ...options });
  onTestFinished(() => agent.destroy());
  return agent;
}

const serialOf = (side: Side): string =>
  side.current instanceof Error ? '' : (side.current.certificates[0]?.serialNumber ?? '');

describe('an agent that keeps connections', () => {
  it('uses an idle one again while nothing has changed', async () => {
    const [agent, port] = [keepingAgent(), await listen(listening())];
    const answers = [await call(agent, port), await call(agent, port), await call(agent, port)];
    expect(answers.map(({ reused }) => reused)).toEqual([false, true, true]);
  });

  it('uses an idle one again when sources give equal objects anew', async () => {
    const [agent, port] = [keepingAgent(), await listen(listening())];
    await call(agent, port);
    client.bundleSource = sourceOf(bundleOf('example.org', ours));
    expect((await call(agent, port)).reused).toBe(true);
  });

  it('presents a rotated SVID at the next request, not on an idle connection of the old one', async () => {
    const [agent, port] = [keepingAgent(), await listen(listening())];
    expect((await call(agent, port)).body).toBe(serialOf(client));
    client.current = ourSvid(CLIENT);
    expect(await call(agent, port)).toMatchObject({ reused: false, body: serialOf(client) });
    expect(await call(agent, port)).toMatchObject({ reused: true, body: serialOf(client) });
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
  });

  it.each(CLIENT_CHANGES)('does not use an idle one once %s', async (_, change, code) => {
    const [agent, port] = [keepingAgent(), await listen(listening())];
    const { socket } = await call(agent, port);
    change(client);
    await expect(call(agent, port)).rejects.toMatchObject({ code });
    expect(socket.destroyed).toBe(true);
    expect(handled).toHaveLength(1);
  });

  it('does not use one whose server certificate has expired, and makes a new one', async () => {
    server.current = ourSvid(SERVER, { notAfter: new Date(NOW + 60_000) });
    const [agent, port] = [keepingAgent(), await listen(listening())];
    await call(agent, port);
    client.now = NOW + 60_000;
    server.current = ourSvid(SERVER);
    expect(await call(agent, port)).toMatchObject({ reused: false, status: 200 });
  });

  it('does not hand a connection to the next waiting request after a rotation', async () => {
    const agent = keepingAgent({ maxSockets: 1 });
    const port = await listen(
      createHttpsServer(server, (request, response) => {
        if (request.url === '/rotate') client.current = ourSvid(CLIENT);
        response.end(getPeer(request).leaf.serialNumber);
      }),
    );
    const before = serialOf(client);
    const [first, second] = await Promise.all([call(agent, port, { path: '/rotate' }), call(agent, port)]);
    expect(first.body).toBe(before);
    expect(second).toMatchObject({ reused: false, body: serialOf(client) });
    expect(serialOf(client)).not.toBe(before);
  });

  it('honours maxSockets while connections are being made', async () => {
    let open = 0;
    let most = 0;
    const accepting = listening().on('connection', (socket: Socket) => {
      most = Math.max(most, ++open);
      socket.once('close', () => --open);
    });
    const [agent, port] = [keepingAgent({ maxSockets: 2 }), await listen(accepting)];
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(agent, port)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(most).toBe(2);
  });

  it('fails every waiting request when the server is refused', async () => {
    client.decide = () => false;
    const [agent, port] = [keepingAgent({ maxSockets: 1 }), await listen(listening())];
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => call(agent, port)));
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : outcome.status));
    expect(codes).toEqual(Array(5).fill('not_authorized'));
    const left = (): unknown[] => [agent.requests, agent.sockets, agent.freeSockets].flatMap(Object.values).flat();
    await until(() => left()).toHaveLength(0);
  });

  it('destroys connections that are being made when it is destroyed', async () => {
    const accepted: Socket[] = [];
    const port = await listen(createNetServer((socket) => accepted.push(socket.on('error', () => undefined))));
    const agent = keepingAgent();
    const failing = expect(call(agent, port)).rejects.toMatchObject({ code: 'connection_closed' });
    await until(() => accepted).toHaveLength(1);
    agent.destroy();
    await failing;
  });
});

describe('a handshake', () => {
  it('that does not finish fails the request', async () => {
    const sockets: Socket[] = [];
    const port = await listen(createNetServer((socket) => sockets.push(socket.on('error', () => undefined))));
    const agent = createHttpsAgent({ ...client, clock: client.clock, handshakeTimeoutMs: 50 });
    await expect(call(agent, port)).rejects.toMatchObject({ code: 'handshake_timeout' });
    for (const socket of sockets) socket.destroy();
  });

  it('that cannot begin fails the request as Node says', async () => {
    const port = await freePort();
    await expect(call(createHttpsAgent(client), port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a server', () => {
  it('presents a rotated SVID at the next handshake without restart', async () => {
    const port = await listen(listening());
    const serials: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { socket } = await call(createHttpsAgent(client), port);
      serials.push(getPeer(socket).leaf.serialNumber);
      expect(serials.at(-1)).toBe(serialOf(server));
      server.current = ourSvid(SERVER);
    }
    expect(new Set(serials).size).toBe(3);
  });

  const changes: ReadonlyArray<readonly [what: string, change: () => void, status: number, code: string]> = [
    ['the certificate of the client expires', () => (server.now = NOW + HOUR), 421, 'peer_expired'],
    ['the bundle is withdrawn', () => (server.bundleSource = sourceOf()), 421, 'peer_refused'],
    [
      'the authority is replaced',
      () => (server.bundleSource = sourceOf(bundleOf('example.org', makeAuthority('new')))),
      421,
      'peer_refused',
    ],
    [
      'the bundle is that of another trust domain with the same authority',
      () => (server.bundleSource = { getX509Bundle: () => bundleOf('other.example', ours) }),
      421,
      'peer_refused',
    ],
    [
      'the bundles cannot be read',
      () =>
        (server.bundleSource = {
          getX509Bundle: () => {
            throw new Error('gone');
          },
        }),
      421,
      'bundle_failed',
    ],
    ['the authorizer changes its mind', () => (server.decide = () => false), 403, 'not_authorized'],
  ];

  it.each(changes)('refuses the next requests on a connection once %s', async (_, change, status, code) => {
    const port = await listen(listening());
    const socket = await rawConnect(port, pemIdentity(makeLeaf(ours, CLIENT)));
    socket.write(GET('/first'));
    await once(socket, 'data');
    change();
    const rest = readToEnd(socket);
    socket.write(GET('/second').repeat(20));
    expect(await rest).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*Connection: close\r\n[^]*\r\n\r\n$`));
    expect(handled).toEqual(['/first']);
    expect(server.refused[0]).toMatchObject({ code, claimedId: CLIENT });
  });

  it('goes on with a connection when the new bundle verifies the client as well', async () => {
    const [agent, port] = [keepingAgent(), await listen(listening())];
    await call(agent, port);
    server.bundleSource = sourceOf(bundleOf('example.org', makeAuthority('new'), ours));
    expect((await call(agent, port)).reused).toBe(true);
    server.bundleSource = sourceOf(ourBundle);
    expect(await call(agent, port)).toMatchObject({ reused: true, status: 200 });
    expect(server.refused).toEqual([]);
  });

  it('refuses an upgrade and a request that expects 100-continue as well', async () => {
    const accepting = listening();
    accepting.on('upgrade', (_, socket) => handled.push('upgrade') && socket.destroy());
    accepting.on('checkContinue', (_, response) => handled.push('continue') && response.end());
    const port = await listen(accepting);
    for (const headers of ['Connection: Upgrade\r\nUpgrade: x', 'Expect: 100-continue\r\nContent-Length: 1']) {
      server.decide = () => true;
      const socket = await rawConnect(port, pemIdentity(makeLeaf(ours, CLIENT)));
      socket.write(GET('/first'));
      await once(socket, 'data');
      server.decide = () => false;
      const rest = readToEnd(socket);
      socket.write(`GET /second HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`);
      expect(await rest).not.toMatch(/ (?:100|101|200) /);
    }
    expect(handled).toEqual(['/first', '/first']);
    expect(server.refused).toHaveLength(2);
  });

  it('hands nothing to listeners for connections and requests that were put before its own', async () => {
    server.decide = () => false;
    const accepting = listening();
    for (const event of ['secureConnection', 'request']) accepting.prependListener(event, () => handled.push(event));
    const port = await listen(accepting);
    await expect(call(createHttpsAgent(client), port)).rejects.toThrow();
    expect(handled).toEqual([]);
  });
});

describe('TLS sessions', () => {
  const identity = pemIdentity(makeLeaf(ours, CLIENT));

  async function sessionOf(port: number, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
    const socket = await rawConnect(port, { ...identity, maxVersion });
    let session = socket.getSession();
    socket.on('session', (later) => {
      session = later;
    });
    socket.end(GET('/first').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await readToEnd(socket);
    if (session === undefined) throw new Error('there is no session');
    return session;
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are not resumed over %s', async (maxVersion) => {
    const port = await listen(listening());
    const session = await sessionOf(port, maxVersion);
    const socket = await rawConnect(port, { ...identity, maxVersion, session });
    expect(socket.isSessionReused()).toBe(false);
    expect(handled).toEqual(['/first']);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'that an application does resume over %s are verified like new ones',
    async (maxVersion) => {
      const accepting = listening();
      const port = await listen(accepting);
      await call(createHttpsAgent(client), port);
      // Now that the server has a context, one with session tickets takes its place.
      accepting.setSecureContext(pemIdentity(makeLeaf(ours, SERVER)));
      handled = [];
      const refused = { ...identity, maxVersion, session: await sessionOf(port, maxVersion) };
      server.decide = () => false;
      const socket = await rawConnect(port, refused);
      expect(socket.isSessionReused()).toBe(true);
      socket.on('error', () => undefined).write(GET('/second'));
      expect(await readToEnd(socket)).toBe('');
      expect(handled).toEqual(['/first']);
      expect(server.refused).toMatchObject([{ code: 'not_authorized', claimedId: CLIENT }]);

      server.decide = () => true;
      const admitted = await rawConnect(port, { ...refused, session: await sessionOf(port, maxVersion) });
      expect(admitted.isSessionReused()).toBe(true);
      admitted.write(GET('/third'));
      await once(admitted, 'data');
      expect(handled).toEqual(['/first', '/first', '/third']);
    },
  );

  it('are not offered by the agent', async () => {
    const accepting = listening();
    const sessions = new Map<string, Buffer>();
    const resumed: boolean[] = [];
    accepting.on('newSession', (id, data, done) => {
      sessions.set(id.toString('hex'), data);
      done();
    });
    accepting.on('resumeSession', (id, done) => done(null, sessions.get(id.toString('hex')) ?? null));
    accepting.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
    const port = await listen(accepting);
    const agent = createHttpsAgent(client, { maxCachedSessions: 10 });
    for (let round = 0; round < 3; round += 1) await call(agent, port);
    expect(resumed).toEqual([false, false, false]);
    expect(sessions.size).toBeGreaterThan(0);
  });
});

describe('secrets', () => {
  it('do not show in agents, servers and errors', async () => {
    const accepting = listening();
    const port = await listen(accepting);
    const agent = keepingAgent();
    const { socket } = await call(agent, port);
    const shown = [accepting, agent, socket, new TlsError('no_identity', 'x')].flatMap(visibleForms).join('\n');
    expect(shown).not.toMatch(/PRIVATE KEY/);
    if (server.current instanceof Error) throw server.current;
    const [, line = ''] = server.current.privateKeyPkcs8Pem().split('\n');
    expect(shown).not.toContain(line);
  });
});

it('an agent serves requests that are aborted while the handshake goes on', async () => {
  const port = await listen(listening());
  const agent = keepingAgent();
  const outgoing = request({ host: '127.0.0.1', port, agent });
  const failed = once(outgoing, 'error').catch((error: unknown) => [error]);
  outgoing.destroy(new Error('given up'));
  expect(await failed).toMatchObject([{ message: 'given up' }]);
  expect((await call(agent, port)).status).toBe(200);
});
