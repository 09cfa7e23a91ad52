import { once } from 'node:events';
import { createServer } from 'node:https';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { TlsError, X509SvidError } from 'svidkit/errors';
import { exactly, under } from 'svidkit/id';
import { createHttpsAgent, createHttpsServer, getPeer, type MtlsOptions } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, listen, rawConnect, rawExchange } from '../support/connections.js';
import { CLIENT, ourSvid, ours, type PemIdentity, pemIdentity, SERVER, Side, svidOf, theirs } from '../support/mtls.js';
import { REFUSED_LEAVES } from '../support/refused-leaves.js';
import { until } from '../support/until.js';
import { dns, makeAuthority, makeLeaf, NOW, uri } from '../support/x509.js';

const GET = 'GET /raw HTTP/1.1\r\nHost: x\r\n\r\n';

let client: Side;
let server: Side;
let handled: string[];

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  handled = [];
});

function serve(): Promise<number> {
  return listen(
    createHttpsServer(server, (request, response) => {
      handled.push(`${getPeer(request).id}${request.url}`);
      response.end(`${getPeer(request).id}`);
    }),
  );
}

/** A server of Node's own that svidkit would not let happen. */
function serveAs(identity: PemIdentity, options: object = {}): Promise<number> {
  return listen(
    createServer({ ...identity, requestCert: true, rejectUnauthorized: false, ...options }, (request, response) => {
      handled.push(`${request.url}`);
      response.end();
    }),
  );
}

/** Why the agent refuses the server at a port. */
async function refusalOfServer(port: number): Promise<TlsError> {
  const failure: unknown = await call(createHttpsAgent(client), port).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof TlsError)) throw new Error('the server was not refused', { cause: failure });
  expect(handled).toEqual([]);
  return failure;
}

/** Why the server refuses a client that presents this identity, or none, and asks for something. */
async function refusalOfClient(identity: Partial<PemIdentity>, version: SecureVersion = 'TLSv1.3'): Promise<TlsError> {
  const port = await serve();
  expect(await rawExchange(port, { ...identity, maxVersion: version }, GET)).toBe('');
  expect(handled).toEqual([]);
  const [refusal, ...others] = server.refused;
  expect(others).toEqual([]);
  if (refusal === undefined) throw new Error('the client was not refused');
  return refusal;
}

const ruleOf = ({ cause }: TlsError): string => (cause instanceof X509SvidError ? cause.code : 'none');

describe('two workloads', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('see each other over %s', async (version) => {
    const port = await listen(
      createHttpsServer(
        server,
        (request, response) => {
          const { id, path } = getPeer(request);
          response.end(`${id} ${path.length} ${(request.socket as TLSSocket).getProtocol()}`);
        },
        { maxVersion: version },
      ),
    );
    const agent = createHttpsAgent(client);
    const { body, socket } = await call(agent, port);
    expect(body).toBe(`${CLIENT} 2 ${version}`);
    expect(getPeer(socket).id.toString()).toBe(SERVER);
  });

  it('see each other across trust domains whose bundles both hold', async () => {
    client.current = svidOf(makeLeaf(theirs, 'spiffe://other.example/client'));
    const { body } = await call(createHttpsAgent(client), await serve());
    expect(body).toBe('spiffe://other.example/client');
  });

  it('see each other through intermediates', async () => {
    const intermediate = makeAuthority('intermediate', { issuer: ours });
    client.current = svidOf(makeLeaf(intermediate, CLIENT), intermediate);
    server.current = svidOf(makeLeaf(intermediate, SERVER), intermediate);
    const agent = createHttpsAgent(client, { keepAlive: true });
    onTestFinished(() => agent.destroy());
    const { body, socket } = await call(agent, await serve());
    expect(body).toBe(CLIENT);
    expect((socket as TLSSocket).getPeerCertificate().subject).toEqual({ CN: 'workload' });
  });

  it.each(['first', 'last'])(
    'see each other where of two cross-signed intermediates the good one comes %s',
    async (place) => {
      const root = makeAuthority('another root');
      const good = makeAuthority('cross', { issuer: ours });
      const other = makeAuthority('cross', { issuer: root });
      const chain = place === 'first' ? [good, other] : [other, good];
      const leaf = makeLeaf(good, SERVER);
      const port = await serveAs(pemIdentity(leaf, ...chain));
      expect((await call(createHttpsAgent(client), port)).status).toBe(200);
    },
  );

  it('are not asked for host names, unless that is wanted', async () => {
    const port = await serve();
    expect((await call(createHttpsAgent(client), port, { host: 'localhost' })).status).toBe(200);
    const strict = createHttpsAgent({ ...client, clock: client.clock, verifyHostname: true });
    await expect(call(strict, port, { host: 'localhost' })).rejects.toMatchObject({ code: 'hostname_mismatch' });
    expect((await call(strict, port)).status).toBe(200);
  });

  it('hold the host name in the wimse profile (draft-ietf-wimse-mutual-tls section 3.2.1)', async () => {
    const port = await serve();
    const wimse: MtlsOptions = { ...client, clock: client.clock, profile: 'wimse' };
    await expect(call(createHttpsAgent(wimse), port, { host: 'localhost' })).rejects.toMatchObject({
      code: 'hostname_mismatch',
      claimedId: SERVER,
    });
    server.current = ourSvid(SERVER, { names: [uri(SERVER), dns('localhost')] });
    expect((await call(createHttpsAgent(wimse), port, { host: 'localhost' })).status).toBe(200);
  });
});

describe('a peer is refused', () => {
  const notItself = makeLeaf(theirs, 'spiffe://example.org/admin');

  it('threat 7: as a client, when the authority of another trusted trust domain signed its identifier', async () => {
    const refusal = await refusalOfClient(pemIdentity(notItself));
    expect([refusal.code, ruleOf(refusal), refusal.claimedId]).toEqual([
      'peer_refused',
      'untrusted',
      'spiffe://example.org/admin',
    ]);
  });

  it('threat 7: as a server, when the authority of another trusted trust domain signed its identifier', async () => {
    const refusal = await refusalOfServer(await serveAs(pemIdentity(notItself)));
    expect([refusal.code, ruleOf(refusal)]).toEqual(['peer_refused', 'untrusted']);
  });

  it('threat 7: when its trust domain has no bundle, whoever signed it', async () => {
    const unknown = makeLeaf(ours, 'spiffe://unknown.example/x');
    expect(ruleOf(await refusalOfClient(pemIdentity(unknown)))).toBe('unknown_trust_domain');
  });

  it.each(REFUSED_LEAVES)('as a client, when its certificate %s', async (_, rule, leaf) => {
    const refusal = await refusalOfClient(pemIdentity(leaf()));
    expect([refusal.code, ruleOf(refusal)]).toEqual(['peer_refused', rule]);
  });

  it.each(REFUSED_LEAVES)('as a server, when its certificate %s', async (_, rule, leaf) => {
    const refusal = await refusalOfServer(await serveAs(pemIdentity(leaf())));
    expect([refusal.code, ruleOf(refusal)]).toEqual(['peer_refused', rule]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('as a client without a certificate, over %s', async (version) => {
    const refusal = await refusalOfClient({}, version);
    expect([refusal.code, refusal.claimedId]).toEqual(['no_certificate', undefined]);
  });

  it('when the bundle source fails, which does not count as a bundle', async () => {
    client.bundleSource = {
      getX509Bundle: () => {
        throw new Error('not ready');
      },
    };
    const refusal = await refusalOfServer(await serveAs(pemIdentity(makeLeaf(ours, SERVER))));
    expect(refusal).toMatchObject({ code: 'bundle_failed', cause: { message: 'not ready' } });
  });

  it('threat 33: when the authorizer expects somebody else of the same trust domain', async () => {
    client.decide = exactly('spiffe://example.org/another');
    const refusal = await refusalOfServer(await serveAs(pemIdentity(makeLeaf(ours, SERVER))));
    expect(refusal).toMatchObject({ code: 'not_authorized', claimedId: SERVER });
    server.decide = under('spiffe://other.example/client');
    expect((await refusalOfClient(pemIdentity(makeLeaf(ours, CLIENT)))).code).toBe('not_authorized');
  });

  it('threat 32: when its path begins like an allowed one', async () => {
    server.decide = under('spiffe://example.org/pay');
    const refusal = await refusalOfClient(pemIdentity(makeLeaf(ours, 'spiffe://example.org/payroll')));
    expect(refusal.code).toBe('not_authorized');
  });

  it('threat 33: when the authorizer throws, or answers something like true', async () => {
    const port = await serveAs(pemIdentity(makeLeaf(ours, SERVER)));
    for (const answer of [1, 'yes', {}, Promise.resolve(true), undefined]) {
      client.decide = () => answer as boolean;
      expect((await refusalOfServer(port)).code).toBe('not_authorized');
    }
    client.decide = () => {
      throw new Error('no policy');
    };
    expect(await refusalOfServer(port)).toMatchObject({ code: 'not_authorized', cause: { message: 'no policy' } });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'and none of 200 pipelined requests reaches the handler, over %s',
    async (maxVersion) => {
      const port = await serve();
      expect(await rawExchange(port, { ...pemIdentity(notItself), maxVersion }, GET.repeat(200))).toBe('');
      expect(handled).toEqual([]);
      expect(server.refused.map(({ code }) => code)).toEqual(['peer_refused']);
      expect((await call(createHttpsAgent(client), port)).status).toBe(200);
    },
  );

  it('visibly: the server emits tlsClientError with the same error', async () => {
    const listening = createHttpsServer(server, (_, response) => response.end());
    const emitted = once(listening, 'tlsClientError');
    const port = await listen(listening);
    await rawExchange(port, pemIdentity(notItself), GET);
    expect((await emitted)[0]).toBe(server.refused[0]);
  });

  it('when it speaks TLS 1.1', async () => {
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const old = {
      ...pemIdentity(makeLeaf(ours, CLIENT)),
      ciphers,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    } as const;
    const port = await listen(createHttpsServer(server, () => handled.push('request'), { ciphers }));
    await expect(rawConnect(port, old)).rejects.toThrow();
    const agent = createHttpsAgent(client, { ciphers });
    await expect(call(agent, await serveAs(pemIdentity(makeLeaf(ours, SERVER)), old))).rejects.toThrow();
    expect(handled).toEqual([]);
  });
});

describe('an expected peer', () => {
  it('cannot renegotiate into another one', async () => {
    const port = await serve();
    const socket = await rawConnect(port, { ...pemIdentity(makeLeaf(ours, CLIENT)), maxVersion: 'TLSv1.2' });
    socket.on('error', () => undefined);
    const outcome = await new Promise((resolve) => {
      socket.renegotiate({ rejectUnauthorized: false }, resolve);
      socket.once('close', () => resolve('closed'));
    });
    expect(outcome).not.toBeNull();
  });
});

describe('our own identity', () => {
  const gone = new Error('withdrawn');

  it('is missing: the request fails with that, and the next one succeeds once it is back', async () => {
    const port = await serve();
    const svid = client.current;
    client.current = gone;
    const agent = createHttpsAgent(client);
    await expect(call(agent, port)).rejects.toMatchObject({ name: 'TlsError', code: 'no_identity', cause: gone });
    client.current = svid;
    expect((await call(agent, port)).status).toBe(200);
  });

  it('is missing: the server refuses, lives on, and answers once it is back', async () => {
    const svid = server.current;
    server.current = gone;
    const port = await serve();
    await expect(call(createHttpsAgent(client), port)).rejects.toThrow();
    await until(() => server.refused).toMatchObject([{ code: 'no_identity', cause: gone }]);
    server.current = svid;
    expect((await call(createHttpsAgent(client), port)).status).toBe(200);
  });

  it('has expired: neither side presents it', async () => {
    const port = await serve();
    server.now = NOW + 2 * 3_600_000;
    await expect(call(createHttpsAgent(client), port)).rejects.toThrow();
    await until(() => server.refused).toMatchObject([{ code: 'identity_expired' }]);
    client.now = server.now;
    await expect(call(createHttpsAgent(client), port)).rejects.toMatchObject({ code: 'identity_expired' });
  });
});

describe('misuse', () => {
  const options = new Side(ourSvid(CLIENT));

  it('threat 33: there is no agent and no server without an authorizer', () => {
    const without = { svid: options.svid, bundles: options.bundles } as MtlsOptions;
    expect(() => createHttpsAgent(without)).toThrow(TypeError);
    expect(() => createHttpsServer(without)).toThrow(TypeError);
  });

  it.each(['svid', 'bundles', 'profile', 'clock'])('a wrong %s is a TypeError', (name) => {
    expect(() => createHttpsAgent({ ...options, [name]: 'wrong' })).toThrow(TypeError);
  });

  it.each([
    { rejectUnauthorized: true },
    { rejectUnauthorized: false },
    { ca: [] },
    { checkServerIdentity: () => undefined },
    { cert: '', key: '' },
    { minVersion: 'TLSv1.1' as const },
    { secureProtocol: 'TLSv1_2_method' },
  ])('Node options that are for svidkit to decide are a TypeError: %o', (nodeOptions) => {
    expect(() => createHttpsAgent(options, nodeOptions)).toThrow(TypeError);
    expect(() => createHttpsServer(options, undefined, nodeOptions)).toThrow(TypeError);
  });

  it('the peer of a connection that svidkit did not verify is a TypeError', async () => {
    const port = await serveAs(pemIdentity(makeLeaf(ours, SERVER)));
    const socket = await rawConnect(port);
    expect(() => getPeer(socket)).toThrow(TypeError);
    expect(() => getPeer({ socket })).toThrow(TypeError);
    expect(() => getPeer({ socket: null })).toThrow(TypeError);
  });
});
