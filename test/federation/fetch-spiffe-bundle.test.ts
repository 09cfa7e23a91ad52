import type { AddressInfo } from 'node:net';
import { SpiffeBundle } from 'svidkit/bundle';
import { FederationError } from 'svidkit/errors';
import { createBundleEndpointHandler, type EndpointProfile, fetchSpiffeBundle } from 'svidkit/federation';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EndpointServer, pemOf } from '../support/bundle-endpoint.js';
import {
  ENDPOINT_ID,
  emptyDocument,
  FederatedDomain,
  manyNames,
  otherName,
  send,
  startSilent,
  web,
  webProfile,
} from '../support/federated-domain.js';
import { rejectionOf } from '../support/rejections.js';

const trustDomain = 'b.test';

describe('SPIFFE_Federation, whatever the profile', () => {
  const fetchFrom = (url: string, more: { profile?: EndpointProfile } = {}) =>
    fetchSpiffeBundle({ trustDomain, url, profile: webProfile, ...more });

  it.each([
    ['http://b.test/', 'plain http'],
    ['https://user@b.test/', 'a user'],
    ['https://:secret@b.test/', 'a password'],
    ['b.test/bundle', 'no scheme'],
    ['/bundle', 'a path alone'],
    ['https://', 'no host'],
    ['', 'nothing'],
    ['https://@b.test/', 'an empty user'],
    ['https://:@b.test/', 'an empty user and password'],
    ['https:b.test/', 'no slashes'],
    ['https:///b.test/', 'an empty host that is passed over'],
    ['https:/b.test/', 'one slash'],
    ['https:\\\\b.test/', 'slashes of the wrong kind'],
    ['https://b.test\\@c.test/', 'a host that looks like another'],
    ['https://b.te\nst/', 'a line break'],
    [' https://b.test/', 'a space in front'],
  ])('sections 5.2.1.1, 5.2.2.1: refuses the URL %s: %s', async (url) => {
    const refused = await fetchFrom(url).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'FederationError', code: 'bad_url' });
    expect(`${refused}`).not.toContain('secret');
  });

  it('sections 5.1, 7.2: takes none of the parameters from another', async () => {
    const url = 'https://b.test/';
    await expect(fetchSpiffeBundle({ trustDomain, url, profile: {} as EndpointProfile })).rejects.toThrow(TypeError);
    await expect(fetchSpiffeBundle({ trustDomain: 'wimse://b.test', url, profile: webProfile })).rejects.toThrow(
      TypeError,
    );
    await expect(fetchSpiffeBundle({ url, profile: webProfile } as never)).rejects.toThrow(TypeError);
  });

  it('refuses options that are none', async () => {
    const options = { trustDomain, url: 'https://b.test/', profile: webProfile };
    await expect(fetchSpiffeBundle({ ...options, timeoutMs: 0 })).rejects.toThrow(TypeError);
    await expect(fetchSpiffeBundle({ ...options, maxBytes: 1024 * 1024 + 1 })).rejects.toThrow(TypeError);
    await expect(fetchSpiffeBundle({ ...options, maxBytes: Number.NaN })).rejects.toThrow(TypeError);
    for (const maxRedirects of [-1, 6, 1.5, Number.NaN]) {
      await expect(fetchSpiffeBundle({ ...options, maxRedirects }), `${maxRedirects}`).rejects.toThrow(TypeError);
    }
  });

  it.each<[string, string | string[]]>([
    ['an empty text', ''],
    ['an empty list', []],
    ['an empty text among roots', [`${webProfile.ca}`, '']],
    ['no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['the name of a file', '/etc/ssl/certs/ca-certificates.crt'],
  ])(
    'section 5.2.1.4: does not take %s for the roots of a private PKI, nor trust Node’s in their place',
    async (_what, ca) => {
      await expect(fetchFrom('https://b.test/', { profile: { kind: 'https_web', ca } })).rejects.toThrow(TypeError);
    },
  );
});

describe('SPIFFE_Federation section 5.2.1, https_web', () => {
  let issuer: Issuer;
  let server: EndpointServer;
  let elsewhere: EndpointServer;
  const fetchIt = (more: object = {}) =>
    fetchSpiffeBundle({ trustDomain, url: server.url('/bundle.json'), profile: webProfile, ...more });

  beforeAll(async () => {
    issuer = await createIssuer({ trustDomain });
    server = await EndpointServer.start(web, () => {});
    elsewhere = await EndpointServer.start(web, () => {});
  });

  beforeEach(() => {
    server.present(web);
    server.requests.length = 0;
    server.answer = createBundleEndpointHandler({ bundle: () => issuer.bundle, path: '/bundle.json' });
    elsewhere.present(web);
    elsewhere.answer = createBundleEndpointHandler({ bundle: () => issuer.bundle, path: '/moved' });
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await elsewhere[Symbol.asyncDispose]();
  });

  const redirectTo = (location: string | undefined, status = 302): void => {
    server.answer = (_request, response) => {
      response.writeHead(status, location === undefined ? {} : { Location: location }).end('elsewhere');
    };
  };

  it('gets the bundle of the trust domain that was configured', async () => {
    const bundle = await fetchIt();
    expect(bundle).toBeInstanceOf(SpiffeBundle);
    expect(bundle.equals(issuer.bundle)).toBe(true);
    expect(server.requests).toEqual(['GET 127.0.0.1 /bundle.json']);
    const other = await fetchIt({ trustDomain: 'c.test' });
    expect(other.trustDomain.toString()).toBe('spiffe://c.test');
  });

  it('section 5.2.1.4: compares the host of the URL with the certificate, an address or a name', async () => {
    expect((await fetchIt({ url: server.url('/bundle.json', 'localhost') })).equals(issuer.bundle)).toBe(true);
    server.present(otherName);
    expect(await rejectionOf(fetchIt())).toBe('endpoint_untrusted');
    expect(await rejectionOf(fetchIt({ url: server.url('/bundle.json', 'localhost') }))).toBe('endpoint_untrusted');
    expect(server.requests.length, 'nothing is asked of the wrong server').toBe(1);
  });

  it('section 5.2.1.4: refuses a certificate of an authority that is not trusted, whatever the environment says', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const refused = await fetchIt({ profile: { kind: 'https_web' } }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'endpoint_untrusted', cause: { code: expect.any(String) } });
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
    server.present(pemOf(await issuer.issueX509Svid('spiffe://b.test/x', { dnsNames: ['localhost'] })));
    expect(await rejectionOf(fetchIt({ url: server.url('/', 'localhost') }))).toBe('endpoint_untrusted');
    expect(server.requests).toEqual([]);
  });

  it.each([301, 302, 303, 307, 308])('section 5.2.1.4: follows a redirect with status %i', async (status) => {
    redirectTo(elsewhere.url('/moved'), status);
    expect((await fetchIt()).equals(issuer.bundle)).toBe(true);
  });

  it('section 5.2.1.4: follows a redirect to a relative reference', async () => {
    server.answer = (request, response) => {
      if (request.url === '/bundle.json') response.writeHead(307, { Location: 'moved?x=1' }).end();
      else send(response, issuer.bundle.serialize());
    };
    expect((await fetchIt()).equals(issuer.bundle)).toBe(true);
    expect(server.requests.at(-1)).toBe('GET 127.0.0.1 /moved?x=1');
  });

  it('section 5.2.1.4: holds the target of a redirect to the same TLS rules', async () => {
    elsewhere.present(otherName);
    redirectTo(elsewhere.url('/moved'));
    expect(await rejectionOf(fetchIt())).toBe('endpoint_untrusted');
  });

  it.each([
    'http://127.0.0.1/',
    'https://user@127.0.0.1/',
    'ftp://127.0.0.1/',
    'data:application/json,{}',
    'https://',
    'https://@127.0.0.1/',
    '//@127.0.0.1/',
    '///127.0.0.1/',
    'https:moved',
    '\\\\127.0.0.1/',
    undefined,
  ])('sections 5.2.1.3, 7.5.1: does not follow a redirect to %s', async (location) => {
    redirectTo(location);
    expect(await rejectionOf(fetchIt())).toBe('bad_redirect');
  });

  it('gives up on a circle of redirects', async () => {
    redirectTo('/bundle.json');
    expect(await rejectionOf(fetchIt())).toBe('too_many_redirects');
    expect(server.requests.length).toBe(6);
  });

  it('section 7.5.1: follows no redirect where that was asked for', async () => {
    redirectTo(elsewhere.url('/moved'));
    expect(await rejectionOf(fetchIt({ maxRedirects: 1 }))).toBe('accepted');
    const { connections } = elsewhere;
    expect(await rejectionOf(fetchIt({ maxRedirects: 0 }))).toBe('too_many_redirects');
    expect(elsewhere.connections).toBe(connections);
  });

  it('refuses a switch to another protocol', async () => {
    server.answer = ({ socket }) => socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    expect(await rejectionOf(fetchIt({ timeoutMs: Number.POSITIVE_INFINITY }))).toBe('bad_status');
  });

  it('keeps what a server puts into a reason short and on one line', async () => {
    server.present(manyNames);
    const refused = await fetchIt().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'endpoint_untrusted' });
    expect((refused as Error).message.length).toBeLessThan(400);
  });

  it.each([201, 204, 206, 304, 400, 404, 500, 503])('refuses an answer with status %i', async (status) => {
    server.answer = (_request, response) => response.writeHead(status).end();
    expect(await rejectionOf(fetchIt())).toBe('bad_status');
  });

  it('refuses more bytes than allowed, announced or not', async () => {
    const document = issuer.bundle.serialize();
    expect(await rejectionOf(fetchIt({ maxBytes: document.length }))).toBe('accepted');
    expect(await rejectionOf(fetchIt({ maxBytes: document.length - 1 }))).toBe('too_large');
    let sent = 0;
    server.answer = (_request, response) => {
      response.on('error', () => {});
      const more = (): void => {
        while (!response.destroyed) {
          sent += 65_536;
          if (!response.write(' '.repeat(65_536))) break;
        }
      };
      response.on('drain', more);
      more();
    };
    expect(await rejectionOf(fetchIt())).toBe('too_large');
    expect(sent, 'an endless answer is not read to its end').toBeLessThan(64 * 1024 * 1024);
    server.answer = (_request, response) => response.writeHead(200, { 'Content-Length': 1024 * 1024 + 1 }).write('{');
    expect(await rejectionOf(fetchIt())).toBe('too_large');
  });

  it.each([
    ['no bytes', ''],
    ['a web page', '<!DOCTYPE html><title>404</title>'],
    ['another JSON document', '{"jwks_uri":"https://b.test/keys"}'],
    ['a bundle map', '{"trust_domains":{"b.test":{"keys":[]}}}'],
    ['a repeated member', '{"keys":[],"keys":[]}'],
    ['a byte order mark', '\uFEFF{"keys":[]}'],
    ['a sequence that is no number', '{"spiffe_sequence":"1","keys":[]}'],
  ])('refuses %s in place of a bundle, with the rule as cause', async (_what, body) => {
    server.answer = (_request, response) => send(response, body);
    const refused = await fetchIt().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FederationError);
    expect(refused).toMatchObject({ code: 'bad_bundle', cause: { name: 'BundleError' } });
  });

  it('section 5.2.1.3: reads a bundle under another content type, which servers only should set', async () => {
    server.answer = (_request, response) => send(response, emptyDocument(1), { 'Content-Type': 'text/plain' });
    expect((await fetchIt()).sequence).toBe(1n);
  });

  it('refuses an encoding that it did not ask for', async () => {
    server.answer = (_request, response) => send(response, emptyDocument(), { 'Content-Encoding': 'gzip' });
    expect(await rejectionOf(fetchIt())).toBe('bad_response');
  });

  it('refuses an answer that ends early, is malformed or never begins', async () => {
    server.answer = (request, response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('{"keys":[]}');
      setImmediate(() => request.socket.destroy());
    };
    expect(await rejectionOf(fetchIt())).toBe('bad_response');
    server.answer = (request) => request.socket.end('SPIFFE/1.0 200\r\n\r\n');
    expect(await rejectionOf(fetchIt())).toBe('bad_response');
    server.answer = (request) => request.socket.destroy();
    expect(await rejectionOf(fetchIt())).toBe('bad_response');
  });

  it('gives up on an endpoint that is slow, at any stage', async () => {
    server.answer = () => {};
    expect(await rejectionOf(fetchIt({ timeoutMs: 200 })), 'no answer').toBe('timeout');
    server.answer = (_request, response) => response.writeHead(200).write('{"keys":');
    expect(await rejectionOf(fetchIt({ timeoutMs: 200 })), 'half an answer').toBe('timeout');
    server.answer = (_request, response) => {
      const timer = setInterval(() => response.write(' '), 5);
      response.once('close', () => clearInterval(timer)).on('error', () => {});
    };
    expect(await rejectionOf(fetchIt({ timeoutMs: 200 })), 'a trickle').toBe('timeout');
    const silent = await startSilent();
    const { port } = silent.address() as AddressInfo;
    expect(await rejectionOf(fetchIt({ url: `https://127.0.0.1:${port}/`, timeoutMs: 200 })), 'no TLS').toBe('timeout');
    silent.close();
  });

  it('says when there is no endpoint, or none that speaks TLS', async () => {
    const silent = await startSilent();
    const { port } = silent.address() as AddressInfo;
    silent.on('connection', (socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await rejectionOf(fetchIt({ url: `https://127.0.0.1:${port}/` }))).toBe('connection_failed');
    silent.close();
    // Not the port that was left: the next server of another test may have it.
    expect(await rejectionOf(fetchIt({ url: 'https://127.0.0.1:1/' }))).toBe('connection_failed');
  });

  it('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    await expect(fetchIt({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    server.answer = () => controller.abort(reason);
    await expect(fetchIt({ signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('SPIFFE_Federation section 5.2.2, https_spiffe', () => {
  let domain: FederatedDomain;
  let other: Issuer;
  const fetchIt = (more: object = {}) =>
    fetchSpiffeBundle({ trustDomain, url: domain.server.url(), profile: domain.profile(), ...more });

  beforeAll(async () => {
    domain = await FederatedDomain.start();
    other = await createIssuer({ trustDomain: 'c.test' });
  });

  beforeEach(async () => {
    await domain.presentAnew();
    domain.server.requests.length = 0;
  });

  afterAll(async () => {
    await domain[Symbol.asyncDispose]();
  });

  it('verifies the SPIFFE ID of the endpoint and no name', async () => {
    expect((await fetchIt()).equals(domain.issuer.bundle)).toBe(true);
    expect((await fetchIt({ url: domain.server.url('/', 'localhost') })).equals(domain.issuer.bundle)).toBe(true);
  });

  it('section 5.2.2.2: takes the bootstrap as SPIFFE bundle, as X.509 bundle or as source', async () => {
    const { bundle } = domain.issuer;
    for (const bootstrap of [bundle, bundle.x509, { getX509Bundle: () => bundle.x509 }]) {
      expect((await fetchIt({ profile: { ...domain.profile(), bootstrap } })).equals(bundle)).toBe(true);
    }
  });

  it('section 5.2.2.4: refuses every SPIFFE ID but the one configured', async () => {
    for (const id of [`${ENDPOINT_ID}/x`, 'spiffe://b.test/bundle-endpoin', 'spiffe://b.test/workload']) {
      await domain.presentAnew(id);
      expect(await rejectionOf(fetchIt()), id).toBe('endpoint_mismatch');
    }
    domain.server.present(pemOf(await other.issueX509Svid('spiffe://c.test/bundle-endpoint')));
    expect(await rejectionOf(fetchIt()), 'another trust domain').toBe('endpoint_untrusted');
    expect(domain.server.requests, 'nothing is asked of the wrong server').toEqual([]);
  });

  it('section 5.2.2.4: refuses an SVID of an authority that is not in the bundle, and a web certificate', async () => {
    const impostor = await createIssuer({ trustDomain });
    domain.server.present(pemOf(await impostor.issueX509Svid(ENDPOINT_ID)));
    const refused = await fetchIt().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'endpoint_untrusted', cause: { name: 'X509SvidError' } });
    domain.server.present(web);
    expect(await rejectionOf(fetchIt())).toBe('endpoint_untrusted');
    expect(domain.server.requests).toEqual([]);
  });

  it('refuses an SVID that has expired', async () => {
    const clock = () => Date.now() + 2 * 3_600_000;
    expect(await fetchIt({ clock }).catch((error: unknown) => error)).toMatchObject({
      code: 'endpoint_untrusted',
      cause: { code: 'expired' },
    });
  });

  it('verifies an SVID of an intermediate authority', async () => {
    const issuer = await createIssuer({ trustDomain, intermediate: true });
    domain.server.present(pemOf(await issuer.issueX509Svid(ENDPOINT_ID)));
    const profile = { ...domain.profile(), bootstrap: issuer.bundle.x509 };
    expect(await rejectionOf(fetchIt({ profile }))).toBe('accepted');
  });

  it('section 5.2.2.2: verifies an endpoint of another trust domain with the bundle of that one', async () => {
    domain.server.present(pemOf(await other.issueX509Svid('spiffe://c.test/bundles')));
    const profile = { kind: 'https_spiffe', endpointId: 'spiffe://c.test/bundles' } as const;
    const bundle = await fetchIt({ profile: { ...profile, bootstrap: other.bundle } });
    expect(bundle.equals(domain.issuer.bundle)).toBe(true);
    await expect(fetchIt({ profile: { ...profile, bootstrap: domain.issuer.bundle } })).rejects.toThrow(TypeError);
  });

  it('says that it has nothing to verify the endpoint with, and does not connect then', async () => {
    const before = domain.server.connections;
    const cause = new Error('not ready');
    const throwing = {
      getX509Bundle: () => {
        throw cause;
      },
    };
    for (const bootstrap of [{ getX509Bundle: () => undefined }, { getX509Bundle: () => other.bundle.x509 }]) {
      expect(await rejectionOf(fetchIt({ profile: { ...domain.profile(), bootstrap } }))).toBe('no_endpoint_bundle');
    }
    await expect(fetchIt({ profile: { ...domain.profile(), bootstrap: throwing } })).rejects.toMatchObject({
      code: 'no_endpoint_bundle',
      cause,
    });
    expect(domain.server.connections).toBe(before);
  });

  it('section 5.2.2.3: follows a redirect only to a server with the same SPIFFE ID', async () => {
    const target = await FederatedDomain.start();
    try {
      const { answer } = domain.server;
      domain.server.answer = (_request, response) => {
        response.writeHead(307, { Location: target.server.url('/cdn', 'localhost') }).end();
      };
      target.server.present(pemOf(await domain.issuer.issueX509Svid(ENDPOINT_ID)));
      expect((await fetchIt()).equals(target.issuer.bundle)).toBe(true);
      expect(target.server.requests).toEqual(['GET localhost /cdn']);
      target.server.present(pemOf(await domain.issuer.issueX509Svid('spiffe://b.test/other')));
      expect(await rejectionOf(fetchIt())).toBe('endpoint_mismatch');
      domain.server.answer = answer;
    } finally {
      await target[Symbol.asyncDispose]();
    }
  });

  it('refuses a bundle older than the bootstrap of the same trust domain', async () => {
    const bootstrap = new SpiffeBundle(trustDomain, { x509: domain.issuer.bundle.x509, sequence: 1_000 });
    expect(await rejectionOf(fetchIt({ profile: { ...domain.profile(), bootstrap } }))).toBe('sequence_went_back');
  });

  it.each([
    ['no bootstrap', { bootstrap: undefined }],
    ['an identifier of a trust domain', { endpointId: 'spiffe://b.test' }],
  ])('refuses a profile with %s', async (_what, wrong) => {
    await expect(fetchIt({ profile: { ...domain.profile(), ...wrong } })).rejects.toThrow(TypeError);
  });
});
