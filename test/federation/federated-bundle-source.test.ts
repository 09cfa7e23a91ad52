import { parseSpiffeBundle, SpiffeBundle } from 'svidkit/bundle';
import { createFederatedBundleSource, type FederatedBundleSourceOptions } from 'svidkit/federation';
import { parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EndpointServer } from '../support/bundle-endpoint.js';
import {
  ENDPOINT_ID,
  emptyDocument,
  FederatedDomain,
  hearFederation,
  send,
  web,
  webProfile,
} from '../support/federated-domain.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { until } from '../support/until.js';

const B = parseTrustDomain('b.test');
/** Often, so that tests need not wait. */
const refresh = { minMs: 10, maxMs: 20, defaultMs: 20 };
const backoff = { initialMs: 1, maxMs: 5 };

describe('the source of a federated bundle, over https_web', () => {
  let issuer: Issuer;
  let server: EndpointServer;
  let document: string;
  const open = (more: Partial<FederatedBundleSourceOptions> = {}) =>
    createFederatedBundleSource({ trustDomain: B, url: server.url(), profile: webProfile, refresh, backoff, ...more });

  beforeEach(async () => {
    issuer = await createIssuer({ trustDomain: B });
    document = issuer.bundle.serialize();
    server = await EndpointServer.start(web, (_request, response) => send(response, document));
  });

  afterEach(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('gives the bundle of its own trust domain, of every kind, and of no other', async () => {
    await using source = open();
    await source.ready();
    expect(source.current.equals(issuer.bundle)).toBe(true);
    expect(source.getX509Bundle(B)).toBe(source.current.x509);
    expect(source.getJwtBundle(B)).toBe(source.current.jwt);
    expect(source.getWitBundle(B)).toBe(source.current.wit);
    for (const other of ['example.org', 'wimse://b.test', 'sub.b.test'].map(parseTrustDomain)) {
      expect(source.getX509Bundle(other)).toBeUndefined();
      expect(source.getJwtBundle(other)).toBeUndefined();
      expect(source.getWitBundle(other)).toBeUndefined();
    }
  });

  it('is a bundle source for verifiers, which learn of new and revoked keys', async () => {
    await using source = open();
    await source.ready();
    const svid = await issuer.issueX509Svid('spiffe://b.test/w');
    const jwt = await issuer.issueJwtSvid('spiffe://b.test/w', { audience: 'a' });
    const verify = (): string => codeOf(() => verifyX509Svid(svid.certificates, source));
    const verifyJwt = () => rejectionOf(verifyJwtSvid(jwt, source, { audience: 'a' }));
    expect([verify(), await verifyJwt()]).toEqual(['accepted', 'accepted']);

    const [x509] = issuer.authorities.x509;
    const [key] = issuer.authorities.jwt;
    await issuer.rotateX509Authority();
    await issuer.rotateJwtKey();
    document = issuer.bundle.serialize();
    await until(() => source.current.sequence).toBe(issuer.bundle.sequence);
    expect([source.current.x509.authorities.length, source.current.jwt.keys.length]).toEqual([2, 2]);
    expect([verify(), await verifyJwt()]).toEqual(['accepted', 'accepted']);

    issuer.revokeX509Authority(x509?.id ?? '');
    issuer.revokeJwtKey(key?.id ?? '');
    document = issuer.bundle.serialize();
    await until(() => source.current.sequence).toBe(issuer.bundle.sequence);
    expect(verify()).not.toBe('accepted');
    expect(await verifyJwt()).not.toBe('accepted');
  });

  it('section 4.1.3 of Trust Domain and Bundle: takes an empty bundle for what it says', async () => {
    await using source = open();
    await source.ready();
    document = emptyDocument(1_000);
    await until(() => source.current.x509.authorities.length).toBe(0);
    const svid = await issuer.issueX509Svid('spiffe://b.test/w');
    expect(codeOf(() => verifyX509Svid(svid.certificates, source))).not.toBe('accepted');
  });

  it('section 6.2: keeps the last good bundle through every failure, and says what failed', async () => {
    const { codes, onError } = hearFederation();
    await using source = open({ onError });
    await source.ready();
    const held = source.current;
    const { answer } = server;
    for (const [code, fault] of [
      ['bad_status', (_request, response) => response.writeHead(500).end()],
      ['bad_bundle', (_request, response) => send(response, '<html>')],
      ['bad_redirect', (_request, response) => response.writeHead(302, { Location: 'http://127.0.0.1/' }).end()],
      ['bad_response', (request) => request.socket.destroy()],
    ] satisfies [string, EndpointServer['answer']][]) {
      server.answer = fault;
      await until(() => source.health.lastError?.code).toBe(code);
      expect(codes).toContain(code);
      expect(source.current).toBe(held);
    }
    server.answer = answer;
    await until(() => source.health.lastError).toBe(undefined);
    expect(source.current).toBe(held);
  });

  it('section 5.2.1.4: begins every fetch at the configured URL', async () => {
    server.answer = (request, response) => {
      if (request.url === '/') response.writeHead(301, { Location: '/moved' }).end();
      else send(response, document);
    };
    await using source = open();
    await source.ready();
    await until(() => server.requests.length).toBeGreaterThan(5);
    expect(server.requests.slice(0, 6)).toEqual(
      Array.from({ length: 3 }, () => ['GET 127.0.0.1 /', 'GET 127.0.0.1 /moved']).flat(),
    );
  });

  it('section 4.2: refuses a sequence that goes back, and reports it', async () => {
    const { codes, onError } = hearFederation();
    const old = document;
    await issuer.rotateX509Authority();
    document = issuer.bundle.serialize();
    await using source = open({ onError });
    await source.ready();
    document = old;
    await until(() => codes).toContain('sequence_went_back');
    expect(source.current.equals(issuer.bundle)).toBe(true);
    expect(source.health.lastError?.code).toBe('sequence_went_back');
  });

  it('section 4.2: without a sequence the bundle fetched last counts', async () => {
    await using source = open();
    await source.ready();
    document = emptyDocument();
    await until(() => source.current.sequence).toBe(undefined);
    document = emptyDocument(1);
    await until(() => source.current.sequence).toBe(1n);
  });

  it('refuses a sequence that goes back, also when a bundle without one came in between', async () => {
    const { codes, onError } = hearFederation();
    document = emptyDocument(10);
    await using source = open({ onError });
    await source.ready();
    document = emptyDocument();
    await until(() => source.current.sequence).toBe(undefined);
    document = emptyDocument(3);
    await until(() => codes).toContain('sequence_went_back');
    expect(source.current.sequence).toBe(undefined);
    document = emptyDocument(10);
    await until(() => source.current.sequence).toBe(10n);
  });

  it('compares sequences of 64 bits exactly', async () => {
    const { codes, onError } = hearFederation();
    const numbered = (sequence: bigint) => new SpiffeBundle(B, { x509: issuer.bundle.x509, sequence }).serialize();
    document = numbered(2n ** 64n - 1n);
    await using source = open({ onError });
    await source.ready();
    document = numbered(2n ** 64n - 2n);
    await until(() => codes).toContain('sequence_went_back');
    expect(source.current.sequence).toBe(2n ** 64n - 1n);
  });

  it('reports other contents under the same sequence, and uses them', async () => {
    const { codes, onError } = hearFederation();
    const { x509, sequence } = issuer.bundle;
    await using source = open({ onError });
    await source.ready();
    document = new SpiffeBundle(B, { x509, sequence, refreshHintSeconds: 7 }).serialize();
    await until(() => source.current.jwt.keys.length).toBe(0);
    expect(codes).toContain('sequence_reused');
  });

  it('does not report a refresh hint that has changed alone', async () => {
    const { codes, onError } = hearFederation();
    const { x509, jwt, wit, sequence } = issuer.bundle;
    await using source = open({ onError });
    await source.ready();
    document = new SpiffeBundle(B, { x509, jwt, wit, sequence, refreshHintSeconds: 7 }).serialize();
    await until(() => source.current.refreshHintSeconds).toBe(7);
    expect(codes).toEqual([]);
  });

  it('gives the same object while nothing changes, and another when something does', async () => {
    await using source = open();
    await source.ready();
    const first = source.current;
    const asked = server.requests.length;
    await until(() => server.requests.length).toBeGreaterThan(asked + 2);
    expect(source.current).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    await issuer.rotateWitKey();
    document = issuer.bundle.serialize();
    await until(() => source.current).not.toBe(first);
    expect(first.wit.keys.length).toBe(1);
  });

  it('tells of updates, the current one first, and ends them with the source', async () => {
    const source = open();
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const bundle of source.updates()) seen.push(bundle.sequence);
    })();
    await source.ready();
    await until(() => seen.length).toBe(1);
    await issuer.rotateWitKey();
    document = issuer.bundle.serialize();
    await until(() => seen).toEqual([1n, 2n]);
    await source.close();
    await reading;
  });

  it('ends an iteration on break, on return while it waits, and on an abort', async () => {
    await using source = open();
    for await (const bundle of source.updates()) {
      expect(bundle.equals(issuer.bundle)).toBe(true);
      break;
    }
    const iterator = source.updates()[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toMatchObject({ done: true });
    const reason = new Error('enough');
    const aborted = source.updates({ signal: AbortSignal.abort(reason) })[Symbol.asyncIterator]();
    await expect(aborted.next()).rejects.toBe(reason);
  });

  it('is not ready before the first bundle, and says why', async () => {
    server.answer = (_request, response) => response.writeHead(503).end();
    await using source = open();
    await until(() => source.health.lastError?.code).toBe('bad_status');
    expect(codeOf(() => source.current)).toBe('not_ready');
    expect(source.getX509Bundle(B)).toBeUndefined();
    await expect(source.ready({ timeoutMs: 20 })).rejects.toMatchObject({
      code: 'not_ready',
      cause: { code: 'bad_status' },
    });
    const reason = new Error('enough');
    await expect(source.ready({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    server.answer = (_request, response) => send(response, document);
    await source.ready();
    expect(source.current.equals(issuer.bundle)).toBe(true);
  });

  it('gives nothing any more after it was closed, and asks for nothing', async () => {
    const source = open();
    await source.ready();
    server.answer = () => {};
    const asked = server.requests.length;
    await until(() => server.requests.length).toBeGreaterThan(asked);
    await source.close();
    await source.close();
    const last = server.requests.length;
    expect(codeOf(() => source.current)).toBe('closed');
    expect(codeOf(() => source.getX509Bundle(B))).toBe('closed');
    expect(await rejectionOf(source.ready())).toBe('closed');
    expect(source.health.nextFetchAt).toBeUndefined();
    expect(source.health.lastError).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(server.requests.length).toBe(last);
    const waiting = open();
    const ready = rejectionOf(waiting.ready());
    await waiting.close();
    expect(await ready).toBe('closed');
  });

  it('does not let its observer stop it', async () => {
    server.answer = (_request, response) => response.writeHead(500).end();
    await using source = open({
      onError: () => {
        throw new Error('a bad day');
      },
    });
    const asked = server.requests.length;
    await until(() => server.requests.length).toBeGreaterThan(asked + 2);
    expect(source.health.lastError?.code).toBe('bad_status');
  });

  it('goes on when its clock throws', async () => {
    const clock = () => {
      throw new Error('no clock');
    };
    await using source = open({ clock });
    await source.ready();
    expect(source.current.equals(issuer.bundle)).toBe(true);
    await issuer.rotateJwtKey();
    document = issuer.bundle.serialize();
    await until(() => source.current.equals(issuer.bundle)).toBe(true);
  });

  it.each([
    [0, {}, 30_000],
    [60, {}, 60_000],
    [2_419_200, {}, 3_600_000],
    [Number.MAX_SAFE_INTEGER, {}, 3_600_000],
    [undefined, {}, 300_000],
    [undefined, { defaultMs: 10_000_000, maxMs: 90_000 }, 90_000],
    [1, { minMs: 5_000 }, 5_000],
  ])('section 4.1: looks again after a hint of %s seconds within %o', async (hint, bounds, expected) => {
    document = emptyDocument(1, hint);
    const clock = () => 1_000_000;
    for (const [random, factor] of [
      [0, 1],
      [0.5, 0.95],
    ] as const) {
      await using source = open({ clock, refresh: bounds, backoff: { random: () => random } });
      await source.ready();
      await until(() => source.health.nextFetchAt).not.toBe(undefined);
      expect(source.health.fetchedAt).toEqual(new Date(1_000_000));
      const { minMs = 30_000 } = bounds as { minMs?: number };
      const interval = Math.max(minMs, expected * factor);
      expect(source.health.nextFetchAt?.getTime()).toBe(1_000_000 + interval);
    }
  });

  it('section 6.2: after a failure waits for the next interval, when it holds a bundle', async () => {
    document = emptyDocument(1, 60);
    let now = 0;
    const clock = () => now;
    await using source = open({ clock, refresh: { minMs: 1, maxMs: 50 }, backoff: { random: () => 0 } });
    await source.ready();
    server.answer = (_request, response) => response.writeHead(500).end();
    now = 1_000;
    await until(() => source.health.lastError?.code).toBe('bad_status');
    await until(() => source.health.nextFetchAt?.getTime()).toBe(1_050);
  });

  it.each([
    [{ refresh: { minMs: 0 } }],
    [{ refresh: { minMs: 10, maxMs: 9 } }],
    [{ refresh: { maxMs: 2 ** 31 } }],
    [{ refresh: { defaultMs: Number.NaN } }],
    [{ backoff: { initialMs: 0 } }],
    [{ backoff: { initialMs: 3e9, maxMs: 3e9 } }],
    [{ timeoutMs: -1 }],
  ])('refuses the options %o', (wrong) => {
    expect(() => open(wrong)).toThrow(TypeError);
  });
});

describe('the source of a federated bundle, over https_spiffe', () => {
  let domain: FederatedDomain;
  const open = (more: Partial<FederatedBundleSourceOptions> = {}) =>
    createFederatedBundleSource({
      trustDomain: B,
      url: domain.server.url(),
      profile: domain.profile(),
      refresh,
      backoff,
      ...more,
    });

  beforeEach(async () => {
    domain = await FederatedDomain.start();
  });

  afterEach(async () => {
    await domain[Symbol.asyncDispose]();
  });

  it('section 5.2.2.4: verifies each fetch with the bundle of the one before, through a rotation', async () => {
    const { issuer } = domain;
    await using source = open();
    await source.ready();
    const [first] = issuer.authorities.x509;
    for (let generation = 0; generation < 3; generation += 1) {
      const [oldest] = issuer.authorities.x509;
      await issuer.rotateX509Authority();
      await until(() => source.current.sequence).toBe(issuer.bundle.sequence);
      await domain.presentAnew();
      issuer.revokeX509Authority(oldest?.id ?? '');
      await until(() => source.current.sequence).toBe(issuer.bundle.sequence);
    }
    expect(issuer.authorities.x509.map(({ id }) => id)).not.toContain(first?.id);
    expect(source.current.x509.authorities.length).toBe(1);
  });

  it('section 5.2.2.4: does not fall back on the bootstrap once a bundle was fetched', async () => {
    const { issuer } = domain;
    const [first] = issuer.authorities.x509;
    await using source = open();
    await source.ready();
    await issuer.rotateX509Authority();
    issuer.revokeX509Authority(first?.id ?? '');
    await until(() => source.current.sequence).toBe(issuer.bundle.sequence);
    // The server still presents an SVID of the authority that is in the bootstrap and nowhere else.
    await until(() => source.health.lastError?.code).toBe('endpoint_untrusted');
    expect(source.current.equals(issuer.bundle)).toBe(true);
    await domain.presentAnew();
    await until(() => source.health.lastError).toBe(undefined);
  });

  it('does not take the bootstrap for a fetched bundle', async () => {
    domain.server.answer = (_request, response) => response.writeHead(503).end();
    await using source = open();
    await until(() => source.health.lastError?.code).toBe('bad_status');
    expect(source.getX509Bundle(B)).toBeUndefined();
    expect(codeOf(() => source.current)).toBe('not_ready');
  });

  it('refuses a sequence below that of the bootstrap, also after a bundle without one', async () => {
    const { codes, onError } = hearFederation();
    const { x509 } = domain.issuer.bundle;
    const numbered = (sequence?: number) => new SpiffeBundle(B, { x509, sequence });
    let served = numbered();
    domain.server.answer = (_request, response) => send(response, served.serialize());
    const profile = { kind: 'https_spiffe', endpointId: ENDPOINT_ID, bootstrap: numbered(10) } as const;
    await using source = open({ onError, profile });
    await source.ready();
    served = numbered(3);
    await until(() => codes).toContain('sequence_went_back');
    expect(source.current.sequence).toBe(undefined);
    served = numbered(11);
    await until(() => source.current.sequence).toBe(11n);
  });

  it('section 5.2.2.2: verifies an endpoint elsewhere with another federated source, always the newest of it', async () => {
    const issuer = await createIssuer({ trustDomain: 'c.test' });
    const handler = await EndpointServer.start({ key: '', cert: '' }, (_request, response) =>
      send(response, issuer.bundle.serialize()),
    );
    try {
      const svid = await domain.issuer.issueX509Svid(ENDPOINT_ID);
      handler.present({ key: svid.privateKeyPkcs8Pem(), cert: svid.certificatesPem() });
      await using b = open();
      await using c = createFederatedBundleSource({
        trustDomain: 'c.test',
        url: handler.url(),
        profile: { kind: 'https_spiffe', endpointId: ENDPOINT_ID, bootstrap: b },
        refresh,
        backoff,
      });
      await c.ready();
      expect(c.current.equals(issuer.bundle)).toBe(true);
      const [first] = domain.issuer.authorities.x509;
      await domain.issuer.rotateX509Authority();
      await until(() => b.current.sequence).toBe(domain.issuer.bundle.sequence);
      await domain.presentAnew();
      domain.issuer.revokeX509Authority(first?.id ?? '');
      await until(() => b.current.sequence).toBe(domain.issuer.bundle.sequence);
      await until(() => c.health.lastError?.code).toBe('endpoint_untrusted');
    } finally {
      await handler[Symbol.asyncDispose]();
    }
  });

  it('can start again from the bundle that was held last', async () => {
    const { issuer } = domain;
    const [first] = issuer.authorities.x509;
    let kept = '';
    {
      await using source = open();
      await source.ready();
      await issuer.rotateX509Authority();
      await until(() => source.current.sequence).toBe(issuer.bundle.sequence);
      kept = source.current.serialize();
    }
    issuer.revokeX509Authority(first?.id ?? '');
    await domain.presentAnew();
    const bootstrap = parseSpiffeBundle(B, kept);
    await using source = open({ profile: { kind: 'https_spiffe', endpointId: ENDPOINT_ID, bootstrap } });
    await source.ready();
    expect(source.current.equals(issuer.bundle)).toBe(true);
  });
});
