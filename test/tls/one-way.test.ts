import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createBundleEndpointHandler, fetchSpiffeBundle } from 'svidkit/federation';
import { createIssuer } from 'svidkit/issuer';
import {
  connectTls,
  createHttpsAgent,
  createHttpsServer,
  createMtlsFetch,
  createTlsServer,
  getPeer,
  type MtlsClientOptions,
  type MtlsOptions,
  type MtlsServerOptions,
} from 'svidkit/tls';
import { beforeEach, describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { call, listen, rawConnect } from '../support/connections.js';
import { otherName, web, webProfile } from '../support/federated-domain.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, Side } from '../support/mtls.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';
import { makeLeaf, sourceOf } from '../support/x509.js';

const ca = String(webProfile.ca);
/** Node judges by the time of day. */
const TODAY = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) };
const webIdentity = { key: web.key, certificates: web.cert };

let client: Side;
let server: Side;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
});

/** A server of Node's own that answers with who its client says it is. */
function askingServer(identity: { key: string; cert: string }): Promise<number> {
  return listen(
    createServer({ ...identity, requestCert: true, rejectUnauthorized: false }, (incoming, response) => {
      response.end((incoming.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName ?? 'nobody');
    }),
  );
}

/** The three ways in which a client asks, each for the body of the answer or why there is none. */
const clients: Readonly<Record<string, (options: MtlsClientOptions, port: number, host?: string) => Promise<string>>> =
  {
    'an https agent': async (options, port, host = 'localhost') =>
      (await call(createHttpsAgent(options), port, { host })).body,
    fetch: async (options, port, host = 'localhost') => {
      await using client = createMtlsFetch(options);
      const answer = await client.fetch(`https://${host}:${port}/`).catch((error) => Promise.reject(error.cause));
      return answer.text();
    },
    connectTls: async (options, port, host = 'localhost') => {
      const socket = await connectTls(options, { host, port });
      onTestFinished(() => void socket.destroy());
      socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      return (await socket.setEncoding('utf8').toArray()).join('').split('\r\n\r\n')[1] ?? '';
    },
  };

describe.each(Object.entries(clients))('%s', (_, ask) => {
  it("that presents nothing (svid: 'none') verifies the server all the same", async () => {
    const { bundles, authorize, clock } = client;
    const port = await askingServer(pemIdentity(makeLeaf(ours, SERVER)));
    expect(await ask({ svid: 'none', bundles, authorize, clock }, port)).toContain('nobody');
    const strict = { svid: 'none', bundles: sourceOf(), authorize, clock } as const;
    await expect(ask(strict, port)).rejects.toMatchObject({ code: 'peer_refused', claimedId: SERVER });
  });

  it('that presents nothing is refused by a server that wants to know who calls', async () => {
    const { bundles, authorize, clock } = client;
    const port = await listen(createHttpsServer(server, (_request, response) => void response.end('in')));
    const answer = await ask({ svid: 'none', bundles, authorize, clock }, port).catch(() => 'refused');
    expect(answer).not.toContain('in');
    await until(() => server.refused).toMatchObject([{ code: 'no_certificate' }]);
  });

  it("presents our SVID, or nothing, to a server of the web (servers: 'web-pki')", async () => {
    const port = await askingServer(web);
    const { svid, clock } = client;
    expect(await ask({ svid, clock, servers: 'web-pki', ca }, port)).toContain(CLIENT);
    expect(await ask({ svid: 'none', servers: 'web-pki', ca: [ca] }, port)).toContain('nobody');
    expect(await ask({ svid: 'none', servers: 'web-pki', ca }, port, '127.0.0.1')).toContain('nobody');
  });

  it.each([
    ['has another name', otherName, ca, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['is of an authority that Node does not trust', web, undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['is of SPIFFE alone', pemIdentity(makeLeaf(ours, SERVER, TODAY)), ca, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ])('refuses a server of the web whose certificate %s', async (_what, identity, authorities, code) => {
    const port = await askingServer(identity);
    const asked = ask({ svid: 'none', servers: 'web-pki', ca: authorities }, port);
    await expect(asked).rejects.toMatchObject({ name: 'TlsError', code: 'peer_refused', cause: { code } });
  });
});

describe('a server of SPIFFE', () => {
  it("asks nobody for a certificate with clients: 'unauthenticated', and has no peer to give", async () => {
    const { svid, clock } = server;
    const peers: unknown[] = [];
    const listening = createHttpsServer({ svid, clock, clients: 'unauthenticated' }, (incoming, response) => {
      expect(() => getPeer(incoming)).toThrow(TypeError);
      peers.push((incoming.socket as TLSSocket).getPeerX509Certificate());
      response.end('welcome');
    });
    const port = await listen(listening);
    const { bundles, authorize } = client;
    const verifying = createHttpsAgent({ svid: 'none', bundles, authorize, clock: client.clock }, { keepAlive: true });
    onTestFinished(() => verifying.destroy());
    const answers = [await call(verifying, port), await call(verifying, port)];
    expect(answers.map(({ body, reused }) => [body, reused])).toEqual([
      ['welcome', false],
      ['welcome', true],
    ]);
    await call(createHttpsAgent(client), port);
    expect(peers).toEqual([undefined, undefined, undefined]);
  });

  it('serves its bundle by https_spiffe, for which no client may be asked who it is', async () => {
    const issuer = await createIssuer({ trustDomain: 'b.test' });
    const endpointId = 'spiffe://b.test/bundle-endpoint';
    let svid = await issuer.issueX509Svid(endpointId);
    const handler = createBundleEndpointHandler({ bundle: () => issuer.bundle });
    const port = await listen(
      createHttpsServer({ svid: { getX509Svid: () => svid }, clients: 'unauthenticated' }, handler),
    );
    const profile = { kind: 'https_spiffe', endpointId, bootstrap: issuer.bundle } as const;
    const endpoint = { trustDomain: 'b.test', url: `https://127.0.0.1:${port}/`, profile };
    expect((await fetchSpiffeBundle(endpoint)).equals(issuer.bundle)).toBe(true);
    svid = await issuer.issueX509Svid('spiffe://b.test/another');
    await expect(fetchSpiffeBundle(endpoint)).rejects.toMatchObject({ name: 'FederationError' });
  });
});

describe('a server of the web', () => {
  it('presents its certificate anew for each connection, and no certificate that has expired', async () => {
    let current = webIdentity;
    const now = { value: Date.now() };
    const refused: string[] = [];
    const listening = createTlsServer({
      webCertificate: { getWebCertificate: () => current },
      clients: 'unauthenticated',
      clock: () => now.value,
      onRefused: ({ code }) => refused.push(code),
    });
    const port = await listen(listening);
    const options = { ca, rejectUnauthorized: true, servername: 'localhost' };
    expect((await rawConnect(port, options)).authorized).toBe(true);
    current = { key: otherName.key, certificates: otherName.cert };
    await expect(rawConnect(port, options)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    current = webIdentity;
    expect((await rawConnect(port, options)).authorized).toBe(true);
    now.value += 2 * 3_600_000;
    await expect(rawConnect(port, options)).rejects.toThrow();
    expect(new Set(refused)).toEqual(new Set(['identity_expired']));
    expect(visibleForms(listening).join('\n')).not.toContain(web.key.split('\n')[1]);
  });

  it('can verify clients by SPIFFE', async () => {
    const { bundles, authorize, clock, onRefused } = server;
    const webCertificate = { getWebCertificate: () => webIdentity };
    const now = { svid: client.svid, clock, servers: 'web-pki', ca } as const;
    // Node verifies the certificate by the time of day, svidkit the SVID by its own clock.
    const options = { webCertificate, bundles, authorize, clock: () => Math.min(clock(), Date.now()), onRefused };
    const port = await listen(
      createHttpsServer(options, (incoming, response) => void response.end(`${getPeer(incoming).id}`)),
    );
    expect((await call(createHttpsAgent(now), port, { host: 'localhost' })).body).toBe(CLIENT);
    const anonymous = request({ host: 'localhost', port, ca });
    anonymous.end();
    await once(anonymous, 'error');
    expect(server.refused).toMatchObject([{ code: 'no_certificate' }]);
  });

  it('whose certificate cannot be read refuses and lives on', async () => {
    const refused: unknown[] = [];
    const getWebCertificate = () => ({ key: web.key, certificates: 'nonsense' });
    const options = { webCertificate: { getWebCertificate }, clients: 'unauthenticated' } as const;
    const port = await listen(createTlsServer({ ...options, onRefused: (error) => refused.push(error) }));
    await expect(rawConnect(port)).rejects.toThrow();
    expect(refused).toMatchObject([{ code: 'no_identity' }]);
  });
});

describe('threat 33: what would leave a peer unverified without saying so', () => {
  const { svid, bundles, authorize } = new Side(ourSvid(CLIENT));
  const webCertificate = { getWebCertificate: () => webIdentity };

  it.each([
    [{ svid, servers: 'web-pki', bundles }],
    [{ svid, servers: 'web-pki', authorize }],
    [{ svid, servers: 'web-pki', profile: 'wimse' }],
    [{ svid, servers: 'web-pki', verifyHostname: false }],
    [{ svid, servers: 'anybody' }],
    [{ svid, servers: 'web-pki', ca: [1] }],
    [{ svid, bundles, authorize, ca }],
    [{ svid: 'nobody', bundles, authorize }],
    [{ svid: 'none', authorize }],
    [{ svid: 'none', bundles }],
    [{ svid, bundles, authorize, rotation: 'never' }],
    [{ svid, bundles, authorize, closeWithdrawn: 1 }],
  ])('is a TypeError for a client: %o', (options) => {
    expect(() => createHttpsAgent(options as never)).toThrow(TypeError);
  });

  it.each([
    [{ svid, clients: 'unauthenticated', bundles }],
    [{ svid, clients: 'unauthenticated', authorize }],
    [{ svid, clients: 'all' }],
    [{ svid: 'none', bundles, authorize }],
    [{ svid, webCertificate, bundles, authorize }],
    [{ bundles, authorize }],
    [{ webCertificate: {}, bundles, authorize }],
    [{ webCertificate }],
  ])('is a TypeError for a server: %o', (options) => {
    expect(() => createHttpsServer(options as never)).toThrow(TypeError);
  });

  it('does not compile', () => {
    expectTypeOf<MtlsOptions>().toExtend<MtlsClientOptions>();
    expectTypeOf<MtlsOptions>().toExtend<MtlsServerOptions>();
    expectTypeOf<MtlsOptions & { servers: 'web-pki' }>().not.toExtend<MtlsClientOptions>();
    expectTypeOf<MtlsOptions & { clients: 'unauthenticated' }>().not.toExtend<MtlsServerOptions>();
    expectTypeOf<MtlsOptions & { webCertificate: typeof webCertificate }>().not.toExtend<MtlsServerOptions>();
    expectTypeOf<{ svid: 'none'; bundles: typeof bundles }>().not.toExtend<MtlsClientOptions>();
    expectTypeOf<{ svid: typeof svid }>().not.toExtend<MtlsServerOptions>();
    expectTypeOf<{ svid: 'none'; servers: 'web-pki' }>().toExtend<MtlsClientOptions>();
  });
});
