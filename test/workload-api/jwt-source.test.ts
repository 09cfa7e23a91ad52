import { parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { createJwtSource, type JwtSource, type JwtSourceOptions } from 'svidkit/workload-api';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcStatus, type GrpcStatusCode } from '../../src/workload-api/grpc-status.js';
import { jwtBundlesMessage } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { refusal } from '../support/scripted-stream.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const WRITER = 'spiffe://example.org/agents/writer';
const HOME = parseTrustDomain('example.org');
const SECOND = 1000;
const START = Date.UTC(2026, 10, 21, 12);

describe('a JwtSource', () => {
  let now = START;
  let issuer: Issuer;
  let endpoint: ScriptedEndpoint;
  let source: JwtSource;
  let heard: Heard;
  /** The audiences of the requests that reached the endpoint. */
  let asked: string[];

  beforeAll(async () => {
    issuer = await createIssuer({ trustDomain: 'example.org', clock: () => now, jwtTtlSeconds: 60 });
  });

  beforeEach(async () => {
    now = START;
    heard = hear();
    asked = [];
    endpoint = await ScriptedEndpoint.start();
    endpoint.jwtBundles.opening = { send: jwtBundlesMessage(issuer.bundle) };
    endpoint.jwt = async ({ audience, spiffeId }) => {
      asked.push(`${audience.join(' ')} ${spiffeId}`.trim());
      return { svids: await issue(audience, spiffeId === '' ? [PLANNER, WRITER] : [spiffeId]) };
    };
    start();
  });

  afterEach(async () => {
    await source.close();
    await endpoint.stop();
  });

  const issue = (audience: string[], ids: readonly string[]) =>
    Promise.all(
      ids.map(async (id) => ({
        spiffeId: id,
        svid: await issuer.issueJwtSvid(id, { audience }),
        hint: id === WRITER ? 'writer' : '',
      })),
    );
  const start = (options: JwtSourceOptions = {}): void => {
    source = createJwtSource({ address: endpoint.address, clock: () => now, ...heard, ...options });
  };
  const restart = async (options: JwtSourceOptions): Promise<void> => {
    await source.close();
    start(options);
  };
  const refuseWith = (status: GrpcStatusCode) => {
    endpoint.jwt = async () => {
      asked.push(`refused ${status}`);
      throw refusal(status);
    };
  };

  describe('bundles', () => {
    it('are kept fresh, and verify the tokens', async () => {
      await restart({});
      expect(codeOf(() => source.getJwtBundle(HOME))).toBe('not_ready');
      await source.ready();
      expect(source.getJwtBundle(HOME)?.equals(issuer.bundle.jwt)).toBe(true);
      expect(source.current.trustDomains()).toHaveLength(1);
      const { token } = await source.fetchJwtSvid({ audience: 'a' });
      const verified = await verifyJwtSvid(token, source, { audience: 'a', clock: () => now });
      expect(`${verified.id}`).toBe(PLANNER);
      for await (const bundles of source.updates()) {
        expect(bundles.getJwtBundle(HOME)).toBeDefined();
        break;
      }
      expect(source.health).toEqual({ connected: true, lastError: undefined, expiresAt: undefined });
    });

    it('are not needed to fetch a token', async () => {
      endpoint.jwtBundles.opening = { refuse: GrpcStatus.unavailable };
      await restart({});
      expect(`${(await source.fetchJwtSvid({ audience: 'a' })).id}`).toBe(PLANNER);
    });
  });

  describe('the cache', () => {
    it('gives the same token for half of its life, whatever the order of the audiences', async () => {
      const first = await source.fetchJwtSvid({ audience: ['b', 'a'] });
      now += 30 * SECOND - 1;
      expect(await source.fetchJwtSvid({ audience: ['a', 'b', 'a'] })).toBe(first);
      expect(asked).toEqual(['a b']);
      now += 1;
      const second = await source.fetchJwtSvid({ audience: ['a', 'b'] });
      expect(second.expiresAt.getTime()).toBeGreaterThan(first.expiresAt.getTime());
      expect(asked).toEqual(['a b', 'a b']);
    });

    it('keeps apart what differs in audience or identity', async () => {
      const requests = [
        { audience: 'a' },
        { audience: ['a', 'b'] },
        { audience: 'a|b' },
        { audience: 'a', id: PLANNER },
        { audience: 'a', id: WRITER },
      ];
      const tokens = new Set<string>();
      for (const request of [...requests, ...requests]) tokens.add((await source.fetchJwtSvid(request)).token);
      expect(tokens.size).toBeGreaterThanOrEqual(4);
      expect(asked).toEqual(['a', 'a b', 'a|b', `a ${PLANNER}`, `a ${WRITER}`]);
    });

    it('asks once for callers who ask at the same time', async () => {
      const svids = await Promise.all([1, 2, 3].map(() => source.fetchJwtSvid({ audience: 'a' })));
      expect(new Set(svids).size).toBe(1);
      expect(asked).toEqual(['a']);
    });

    it.each([GrpcStatus.unavailable, GrpcStatus.resourceExhausted, GrpcStatus.internal])(
      'falls back on a token that has not expired after status %i',
      async (status) => {
        const svid = await source.fetchJwtSvid({ audience: 'a' });
        refuseWith(status);
        now += 59 * SECOND;
        expect(await source.fetchJwtSvid({ audience: 'a' })).toBe(svid);
        now += 1 * SECOND;
        await expect(source.fetchJwtSvid({ audience: 'a' })).rejects.toMatchObject({ grpcStatus: status });
      },
    );

    it('falls back on nothing, and forgets it, when the endpoint says no', async () => {
      await source.fetchJwtSvid({ audience: 'a' });
      now += 31 * SECOND;
      refuseWith(GrpcStatus.permissionDenied);
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('permission_denied');
      refuseWith(GrpcStatus.unavailable);
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('unavailable');
    });

    it('forgets every token when the endpoint withdraws the identity', async () => {
      await source.ready();
      await source.fetchJwtSvid({ audience: 'a' });
      endpoint.jwtBundles.opening = { refuse: GrpcStatus.permissionDenied };
      endpoint.jwtBundles.end(GrpcStatus.permissionDenied);
      await until(() => codeOf(() => source.current)).toBe('withdrawn');
      refuseWith(GrpcStatus.permissionDenied);
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('permission_denied');
    });

    it('forgets exactly the tokens whose key leaves the bundle, also as a spare', async () => {
      const rotating = await createIssuer({ trustDomain: 'example.org', clock: () => now, jwtTtlSeconds: 60 });
      endpoint.jwt = async ({ audience }) => {
        asked.push(audience.join(' '));
        return { svids: [{ spiffeId: PLANNER, svid: await rotating.issueJwtSvid(PLANNER, { audience }) }] };
      };
      await source.ready();
      const deliver = async (): Promise<void> => {
        endpoint.jwtBundles.push(jwtBundlesMessage(rotating.bundle));
        const kids = rotating.bundle.jwt.keys.map(({ kid }) => kid);
        await until(() => source.getJwtBundle(HOME)?.keys.map(({ kid }) => kid)).toEqual(kids);
      };
      await deliver();
      const old = await source.fetchJwtSvid({ audience: 'a' });
      const kid = rotating.bundle.jwt.keys[0]?.kid ?? '';
      await rotating.rotateJwtKey();
      await deliver();
      const young = await source.fetchJwtSvid({ audience: 'b' });
      expect((await source.fetchJwtSvid({ audience: 'a' })).token).toBe(old.token);

      rotating.revokeJwtKey(kid);
      await deliver();
      expect((await source.fetchJwtSvid({ audience: 'b' })).token).toBe(young.token);
      expect((await source.fetchJwtSvid({ audience: 'a' })).token).not.toBe(old.token);
      expect(asked).toEqual(['a', 'b', 'a']);
    });

    it('gives nobody a token whose key has left the bundle while it was on its way', async () => {
      const rotating = await createIssuer({ trustDomain: 'example.org', clock: () => now, jwtTtlSeconds: 60 });
      let answer = (): void => {};
      const gate = new Promise<void>((resolve) => {
        answer = resolve;
      });
      endpoint.jwt = async ({ audience }) => {
        asked.push(audience.join(' '));
        const svid = await rotating.issueJwtSvid(PLANNER, { audience });
        if (asked.length === 1) await gate;
        return { svids: [{ spiffeId: PLANNER, svid }] };
      };
      endpoint.jwtBundles.opening = { send: jwtBundlesMessage(rotating.bundle) };
      await restart({});
      await source.ready();
      const fetching = source.fetchJwtSvid({ audience: 'a' });
      await until(() => asked).toEqual(['a']);
      const kid = rotating.bundle.jwt.keys[0]?.kid ?? '';
      await rotating.rotateJwtKey();
      rotating.revokeJwtKey(kid);
      endpoint.jwtBundles.push(jwtBundlesMessage(rotating.bundle));
      await until(() => source.getJwtBundle(HOME)?.candidates(kid)).toEqual([]);
      answer();
      const { token } = await fetching;
      expect(`${(await verifyJwtSvid(token, source, { audience: 'a', clock: () => now })).id}`).toBe(PLANNER);
      expect((await source.fetchJwtSvid({ audience: 'a' })).token).toBe(token);
      expect(asked).toEqual(['a', 'a']);
    });

    it('counts from its arrival a token that does not say when it was issued, or says the future', async () => {
      const ahead = await createIssuer({ trustDomain: 'example.org', clock: () => now + 20 * SECOND });
      endpoint.jwt = async ({ audience }) => {
        asked.push('ahead');
        return {
          svids: [{ spiffeId: PLANNER, svid: await ahead.issueJwtSvid(PLANNER, { audience, ttlSeconds: 60 }) }],
        };
      };
      await source.fetchJwtSvid({ audience: 'a' });
      now += 40 * SECOND - 1;
      await source.fetchJwtSvid({ audience: 'a' });
      expect(asked).toEqual(['ahead']);
      now += 1;
      await source.fetchJwtSvid({ audience: 'a' });
      expect(asked).toEqual(['ahead', 'ahead']);
    });

    it('drops the token unused for longest when it is full', async () => {
      await restart({ maxCachedSvids: 2 });
      for (const audience of ['a', 'b', 'a', 'c', 'a', 'b']) await source.fetchJwtSvid({ audience });
      expect(asked).toEqual(['a', 'b', 'c', 'b']);
    });

    it('can be switched off', async () => {
      await restart({ maxCachedSvids: 0 });
      for (const audience of ['a', 'a']) await source.fetchJwtSvid({ audience });
      expect(asked).toEqual(['a', 'a']);
    });
  });

  describe('a caller who gives up', () => {
    const reason = new Error('mine');
    let answer: () => void;

    beforeEach(() => {
      const gate = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const plain = endpoint.jwt;
      endpoint.jwt = async (request, call) => {
        call.signal.addEventListener('abort', () => asked.push('cancelled'));
        const reply = await plain(request, call);
        await gate;
        return reply;
      };
    });

    it('disturbs nobody else', async () => {
      const controller = new AbortController();
      const quitter = source.fetchJwtSvid({ audience: 'a', signal: controller.signal });
      const stayer = source.fetchJwtSvid({ audience: 'a' });
      await until(() => asked).toEqual(['a']);
      controller.abort(reason);
      await expect(quitter).rejects.toBe(reason);
      answer();
      expect(`${(await stayer).id}`).toBe(PLANNER);
      expect(asked).toEqual(['a']);
    });

    it('ends the call when nobody else waits, and the next one makes its own', async () => {
      const controller = new AbortController();
      const both = [1, 2].map(() => source.fetchJwtSvid({ audience: 'a', signal: controller.signal }));
      await until(() => asked).toEqual(['a']);
      controller.abort(reason);
      await Promise.all(both.map((one) => expect(one).rejects.toBe(reason)));
      await until(() => asked).toEqual(['a', 'cancelled']);
      const next = source.fetchJwtSvid({ audience: 'a' });
      answer();
      expect(`${(await next).id}`).toBe(PLANNER);
    });

    it('before asking does not ask', async () => {
      const signal = AbortSignal.abort(reason);
      await expect(source.fetchJwtSvid({ audience: 'a', signal })).rejects.toBe(reason);
      expect(asked).toEqual([]);
    });

    it('is told closed when the source is closed meanwhile, as is everyone after', async () => {
      endpoint.jwtBundles.opening = 'hang';
      await restart({});
      const waiting = rejectionOf(source.fetchJwtSvid({ audience: 'a' }));
      const ready = rejectionOf(source.ready());
      await until(() => asked).toEqual(['a']);
      await source.close();
      await source.close();
      expect(await waiting).toBe('closed');
      expect(await ready).toBe('closed');
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('closed');
      expect(codeOf(() => source.current)).toBe('closed');
    });

    it('gets a timeout from an endpoint that hangs', async () => {
      await restart({ fetchTimeoutMs: 20 });
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('timeout');
      answer();
    });
  });

  describe('an answer', () => {
    it('with several identities gives the first, or the one that was picked', async () => {
      expect(`${(await source.fetchJwtSvid({ audience: 'a' })).id}`).toBe(PLANNER);
      await restart({ pick: (svids) => svids.find(({ hint }) => hint === 'writer') });
      expect(`${(await source.fetchJwtSvid({ audience: 'a' })).id}`).toBe(WRITER);
      expect(`${(await source.fetchJwtSvid({ audience: 'a', id: PLANNER })).id}`).toBe(PLANNER);
      await restart({ pick: () => undefined });
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('no_identity');
    });

    it('about another identity, for another audience, or expired is refused', async () => {
      endpoint.jwt = async () => ({ svids: await issue(['a'], [PLANNER]) });
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a', id: WRITER }))).toBe('bad_identity');
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'b' }))).toBe('bad_identity');
      const svids = await issue(['a'], [PLANNER]);
      endpoint.jwt = async () => ({ svids });
      now += 60 * SECOND;
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('expired');
      endpoint.jwt = async () => ({});
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('empty_field');
    });
  });

  it('shows no token to whoever looks at it', async () => {
    const svid = await source.fetchJwtSvid({ audience: 'a' });
    expect([source, svid].flatMap(visibleForms).join('\n')).not.toContain(svid.token);
  });

  it('knows a mistaken caller', async () => {
    await expect(source.fetchJwtSvid({ audience: [] })).rejects.toThrow(TypeError);
    expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a', id: 'x' }))).toBe('wrong_scheme');
    expect(() => createJwtSource({ address: endpoint.address, fetchTimeoutMs: 0 })).toThrow(TypeError);
    expect(() => createJwtSource({ address: endpoint.address, maxCachedSvids: -1 })).toThrow(TypeError);
  });
});
