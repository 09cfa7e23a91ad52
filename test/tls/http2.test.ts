import { once } from 'node:events';
import type { ClientHttp2Session, Http2SecureServer, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureVersion } from 'node:tls';
import { TlsError, X509SvidError } from 'svidkit/errors';
import { exactly } from 'svidkit/id';
import {
  connectHttp2,
  createHttp2Server,
  createHttpsAgent,
  getPeer,
  type Http2ConnectOptions,
  type MtlsOptions,
} from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, closeOf, listen, rawConnect, rawExchange, readToEnd } from '../support/connections.js';
import { freePort } from '../support/free-port.js';
import { ask, plainServer, plainSession, urlOf } from '../support/http2.js';
import { CLIENT, ourSvid, ours, type PemIdentity, pemIdentity, SERVER, Side, theirs } from '../support/mtls.js';
import { REFUSED_LEAVES } from '../support/refused-leaves.js';
import { until } from '../support/until.js';
import { dns, makeLeaf, NOW, sourceOf, uri } from '../support/x509.js';

const HOUR = 3_600_000;
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
/** What every client of HTTP/2 begins with, and more than enough of it (RFC 9113 section 3.4). */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

let client: Side;
let server: Side;
let handled: string[];

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  handled = [];
});

function serving(options: Parameters<typeof createHttp2Server>[2] = {}): Http2SecureServer {
  return createHttp2Server(
    server,
    (request, response) => {
      handled.push(request.url);
      response.end(`${getPeer(request).id}`);
    },
    options,
  );
}

async function open(port: number, options: Http2ConnectOptions = {}): Promise<ClientHttp2Session> {
  const session = await connectHttp2(urlOf(port), client, options);
  onTestFinished(() => session.destroy());
  return session;
}

/** Why the client refuses the server at a port. */
async function refusalOfServer(port: number): Promise<TlsError> {
  const failure: unknown = await connectHttp2(urlOf(port), client).catch((error: unknown) => error);
  if (!(failure instanceof TlsError)) throw new Error('the server was not refused', { cause: failure });
  return failure;
}

/** Why the server refuses a client that presents this identity, or none, and sends a request at once. */
async function refusalOfClient(identity: Partial<PemIdentity>, version: SecureVersion = 'TLSv1.3'): Promise<TlsError> {
  const accepting = serving();
  const emitted: string[] = [];
  for (const event of ['session', 'stream', 'request']) accepting.prependListener(event, () => emitted.push(event));
  const session = plainSession(await listen(accepting), { ...identity, maxVersion: version });
  for (let request = 0; request < 50; request += 1)
    session
      .request({ ':path': '/' })
      .on('error', () => undefined)
      .end();
  if (!session.destroyed) await closeOf(session);
  expect([...handled, ...emitted]).toEqual([]);
  const [refusal, ...others] = server.refused;
  expect(others).toEqual([]);
  if (refusal === undefined) throw new Error('the client was not refused');
  return refusal;
}

const ruleOf = ({ cause }: TlsError): string => (cause instanceof X509SvidError ? cause.code : 'none');

describe('an HTTP/2 session', () => {
  it.each(VERSIONS)('shows each end the other over %s', async (version) => {
    const streams: ServerHttp2Stream[] = [];
    const sessions: ServerHttp2Session[] = [];
    const accepting = createHttp2Server(
      server,
      (request, response) => {
        const found = [request, request.stream, request.stream.session, request.socket, request.stream.session?.socket];
        response.end(found.map((one) => `${one && getPeer(one).id}`).join(' '));
      },
      { maxVersion: version },
    );
    accepting.on('session', (session) => sessions.push(session));
    accepting.on('stream', (stream) => streams.push(stream));
    const session = await open(await listen(accepting));
    const { body, stream } = await ask(session);
    expect(body).toBe(Array(5).fill(CLIENT).join(' '));
    expect([session, session.socket, stream].map((one) => `${getPeer(one).id}`)).toEqual(Array(3).fill(SERVER));
    expect(session.alpnProtocol).toBe('h2');

    session.destroy();
    await until(() => sessions[0]?.destroyed).toBe(true);
    expect([session, stream].map((one) => `${getPeer(one).id}`)).toEqual([SERVER, SERVER]);
    expect([...sessions, ...streams].map((one) => `${getPeer(one).id}`)).toEqual([CLIENT, CLIENT]);
  });

  it('is handed out when the settings of the server are known', async () => {
    const session = await open(await listen(serving()));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(250);
    const roomy = await open(await listen(serving({ settings: { maxConcurrentStreams: 1000 } })));
    expect(roomy.remoteSettings.maxConcurrentStreams).toBe(1000);
  });

  it('presents a rotated SVID on the next session of each side', async () => {
    const port = await listen(
      createHttp2Server(server, (request, response) => void response.end(getPeer(request).leaf.serialNumber)),
    );
    const seen = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const [ownSvid, theirSvid] = [ourSvid(CLIENT), ourSvid(SERVER)];
      [client.current, server.current] = [ownSvid, theirSvid];
      const session = await open(port);
      const { body } = await ask(session);
      expect(body).toBe(ownSvid.certificates[0]?.serialNumber);
      expect(getPeer(session).leaf.serialNumber).toBe(theirSvid.certificates[0]?.serialNumber);
      seen.add(body).add(getPeer(session).leaf.serialNumber);
    }
    expect(seen.size).toBe(6);
  });

  it('goes through a socket that is already open', async () => {
    const port = await listen(serving());
    const tunnel = await new Promise<Socket>((resolve) => {
      const proxy = createTcpServer();
      void listen(proxy).then(async (proxyPort) => {
        const { connect } = await import('node:net');
        proxy.on('connection', (socket) => {
          const onward = connect(port, '127.0.0.1');
          socket
            .on('error', () => undefined)
            .pipe(onward)
            .on('error', () => undefined)
            .pipe(socket);
        });
        const socket = connect(proxyPort, '127.0.0.1', () => resolve(socket));
      });
    });
    const session = await connectHttp2('https://somewhere.example', client, { socket: tunnel });
    onTestFinished(() => session.destroy());
    expect((await ask(session)).body).toBe(CLIENT);
  });

  it('is asked for the host name where that is wanted', async () => {
    const port = await listen(serving());
    const strict: MtlsOptions = { ...client, clock: client.clock, profile: 'wimse' };
    await expect(connectHttp2(`https://localhost:${port}`, strict)).rejects.toMatchObject({
      code: 'hostname_mismatch',
    });
    server.current = ourSvid(SERVER, { names: [uri(SERVER), dns('localhost')] });
    const session = await connectHttp2(`https://localhost:${port}`, strict);
    onTestFinished(() => session.destroy());
    expect((await ask(session)).status).toBe(200);
  });

  it('serves HTTP/1.1 where that is allowed, with the same handler and the same checks', async () => {
    const port = await listen(serving({ allowHTTP1: true }));
    const agent = createHttpsAgent(client, { keepAlive: true });
    onTestFinished(() => agent.destroy());
    expect(await call(agent, port, { path: '/one' })).toMatchObject({ body: CLIENT, reused: false });
    expect((await ask(await open(port), { ':path': '/two' })).body).toBe(CLIENT);
    server.decide = () => false;
    expect(await call(agent, port)).toMatchObject({ status: 403, reused: true });
    await expect(call(agent, port)).rejects.toThrow();
    expect(handled).toEqual(['/one', '/two']);
    expect(server.refused.map(({ code }) => code)).toEqual(['not_authorized', 'not_authorized']);
  });
});

describe('a peer of HTTP/2 is refused', () => {
  const notItself = makeLeaf(theirs, 'spiffe://example.org/admin');

  it.each(REFUSED_LEAVES)('as a client, when its certificate %s', async (_, rule, leaf) => {
    const refusal = await refusalOfClient(pemIdentity(leaf()));
    expect([refusal.code, ruleOf(refusal)]).toEqual(['peer_refused', rule]);
  });

  it.each(REFUSED_LEAVES)('as a server, when its certificate %s', async (_, rule, leaf) => {
    const { port } = await plainServer(pemIdentity(leaf()), handled);
    const refusal = await refusalOfServer(port);
    expect([refusal.code, ruleOf(refusal)]).toEqual(['peer_refused', rule]);
  });

  it.each(VERSIONS)(
    'threat 7: when the authority of another trust domain signed its name, over %s',
    async (version) => {
      const refusal = await refusalOfClient(pemIdentity(notItself), version);
      expect([refusal.code, ruleOf(refusal)]).toEqual(['peer_refused', 'untrusted']);
      const { port } = await plainServer(pemIdentity(notItself), handled, { maxVersion: version });
      expect(ruleOf(await refusalOfServer(port))).toBe('untrusted');
    },
  );

  it.each(VERSIONS)('as a client without a certificate, over %s', async (version) => {
    expect((await refusalOfClient({}, version)).code).toBe('no_certificate');
  });

  it('threat 33: when the authorizer expects somebody else', async () => {
    server.decide = exactly('spiffe://example.org/another');
    expect((await refusalOfClient(pemIdentity(makeLeaf(ours, CLIENT)))).code).toBe('not_authorized');
    client.decide = exactly('spiffe://example.org/another');
    const { port } = await plainServer(pemIdentity(makeLeaf(ours, SERVER)), handled);
    expect(await refusalOfServer(port)).toMatchObject({ code: 'not_authorized', claimedId: SERVER });
  });

  it.each([...VERSIONS])('and no byte that it sent is read as HTTP/2 or HTTP/1.1, over %s', async (maxVersion) => {
    const port = await listen(serving({ allowHTTP1: true }));
    const identity = { ...pemIdentity(notItself), maxVersion };
    for (const protocol of ['h2', 'http/1.1']) {
      const text = protocol === 'h2' ? PREFACE : 'GET /raw HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50);
      expect(await rawExchange(port, { ...identity, ALPNProtocols: [protocol] }, text)).toBe('');
    }
    expect(handled).toEqual([]);
    expect(server.refused.map(({ code }) => code)).toEqual(['peer_refused', 'peer_refused']);
  });

  it('without a byte of the client having been sent to the server', async () => {
    const received: Buffer[] = [];
    const accepting = createTlsServer(
      { ...pemIdentity(notItself), requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] },
      (socket) => socket.on('error', () => undefined).on('data', (data) => received.push(data)),
    );
    await refusalOfServer(await listen(accepting));
    expect(received).toEqual([]);
  });

  it.each(VERSIONS)('when it wants to resume the TLS session of one that was admitted, over %s', async (maxVersion) => {
    const accepting = serving();
    const port = await listen(accepting);
    const identity = { ...pemIdentity(makeLeaf(ours, CLIENT)), maxVersion };
    const sessionOf = async (): Promise<Buffer> => {
      const socket = await rawConnect(port, { ...identity, ALPNProtocols: ['h2'] });
      let session = socket.getSession();
      socket.on('session', (later) => {
        session = later;
      });
      socket.write(PREFACE);
      await once(socket, 'data');
      socket.end();
      await readToEnd(socket);
      if (session === undefined) throw new Error('there is no session');
      return session;
    };
    const refused = plainSession(port, { ...identity, session: await sessionOf() });
    await once(refused, 'remoteSettings');
    expect((refused.socket as { isSessionReused?: () => boolean }).isSessionReused?.()).toBe(false);

    // An application can allow it behind our back; the client is verified all the same.
    accepting.setSecureContext(pemIdentity(makeLeaf(ours, SERVER)));
    const resumable = await sessionOf();
    server.decide = () => false;
    const resumed = await rawConnect(port, { ...identity, ALPNProtocols: ['h2'], session: resumable });
    expect(resumed.isSessionReused()).toBe(true);
    resumed.on('error', () => undefined).write(PREFACE);
    expect(await readToEnd(resumed)).toBe('');
    expect(server.refused.map(({ code }) => code)).toEqual(['not_authorized']);
  });
});

describe('a server that does not speak HTTP/2', () => {
  const identity = pemIdentity(makeLeaf(ours, SERVER));

  it.each([
    ['says so in the handshake', { ALPNProtocols: ['http/1.1'] }],
    ['knows nothing of protocol negotiation', {}],
  ])('is refused when it %s', async (_, options) => {
    const port = await listen(createTlsServer({ ...identity, ...options }, (socket) => socket.resume()));
    expect(await refusalOfServer(port)).toMatchObject({ code: 'not_http2' });
  });

  it('is refused when it agrees to and then sends no settings', async () => {
    const port = await listen(createTlsServer({ ...identity, ALPNProtocols: ['h2'] }, (socket) => socket.resume()));
    const impatient = { ...client, clock: client.clock, handshakeTimeoutMs: 300 };
    await expect(connectHttp2(urlOf(port), impatient)).rejects.toMatchObject({ code: 'handshake_timeout' });
  });

  it('is refused when it agrees to and then hangs up', async () => {
    const port = await listen(createTlsServer({ ...identity, ALPNProtocols: ['h2'] }, (socket) => socket.end()));
    expect(await refusalOfServer(port)).toMatchObject({ code: 'connection_closed' });
  });

  it('is refused when it speaks no TLS at all', async () => {
    await expect(connectHttp2('http://127.0.0.1:1', client)).rejects.toMatchObject({ code: 'not_tls' });
  });
});

describe('connecting', () => {
  it('ends with the signal of the caller, in the handshake and before the settings', async () => {
    const silent = await listen(createTcpServer((socket) => socket.on('error', () => undefined)));
    const identity = pemIdentity(makeLeaf(ours, SERVER));
    const mute = createTlsServer({ ...identity, ALPNProtocols: ['h2'] });
    for (const [port, event] of [
      [silent, undefined],
      [await listen(mute), 'secureConnection'],
    ] as const) {
      const giveUp = new AbortController();
      const connecting = connectHttp2(urlOf(port), client, { signal: giveUp.signal });
      if (event === undefined) setImmediate(() => giveUp.abort(new Error('changed my mind')));
      else
        mute.once(event, (socket) => socket.on('error', () => undefined) && giveUp.abort(new Error('changed my mind')));
      await expect(connecting).rejects.toThrow('changed my mind');
    }
    await expect(connectHttp2(urlOf(silent), client, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('fails as Node says when there is no server', async () => {
    const port = await freePort();
    await expect(connectHttp2(urlOf(port), client)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('fails when we have nothing to present, or only something expired', async () => {
    const port = await listen(serving());
    client.now = NOW + HOUR;
    await expect(connectHttp2(urlOf(port), client)).rejects.toMatchObject({ code: 'identity_expired' });
    client.current = new Error('withdrawn');
    await expect(connectHttp2(urlOf(port), client)).rejects.toMatchObject({ code: 'no_identity' });
  });

  it.each([
    { rejectUnauthorized: false },
    { ca: [] },
    { checkServerIdentity: () => undefined },
    { cert: '', key: '' },
    { session: Buffer.alloc(1) },
    { minVersion: 'TLSv1.1' as const },
  ])('and serving with what is for svidkit to decide is a TypeError: %o', async (options) => {
    await expect(connectHttp2('https://127.0.0.1:1', client, options)).rejects.toThrow(TypeError);
    expect(() => createHttp2Server(server, undefined, options)).toThrow(TypeError);
  });

  it('with a connection that svidkit did not make is a TypeError', async () => {
    const createConnection = (): never => {
      throw new Error('never called');
    };
    await expect(connectHttp2('https://127.0.0.1:1', client, { createConnection })).rejects.toThrow(TypeError);
  });

  it('threat 33: without an authorizer is a TypeError', async () => {
    const without = { svid: client.svid, bundles: client.bundles } as MtlsOptions;
    await expect(connectHttp2('https://127.0.0.1:1', without)).rejects.toThrow(TypeError);
    expect(() => createHttp2Server(without)).toThrow(TypeError);
  });
});

describe('a server without an identity to present', () => {
  it('refuses, lives on, and serves once it has one', async () => {
    const svid = server.current;
    server.current = new Error('withdrawn');
    const port = await listen(serving());
    await expect(connectHttp2(urlOf(port), client)).rejects.toThrow();
    await until(() => server.refused).toMatchObject([{ code: 'no_identity' }]);
    server.current = svid;
    expect((await ask(await open(port))).status).toBe(200);
  });

  it('does not make up for a bundle that is missing', async () => {
    server.bundleSource = sourceOf();
    await expect(open(await listen(serving())).then((session) => ask(session))).rejects.toThrow();
    expect(server.refused).toMatchObject([{ code: 'peer_refused' }]);
  });
});
