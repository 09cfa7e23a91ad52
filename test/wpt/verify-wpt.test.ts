import { inspect } from 'node:util';
import { BundleSet, WitBundle } from 'svidkit/bundle';
import { WptError } from 'svidkit/errors';
import { type Authorizer, anyId, exactly, memberOf, oneOf, under } from 'svidkit/id';
import { createMemoryReplayStore, type ReplayStore, type ReplayVerdict } from 'svidkit/replay';
import { type UnprovenWit, verifyWit } from 'svidkit/wit';
import { readWptRequest, type VerifyWptOptions, verifyWpt } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { tokenHash } from '../../src/internal/token-hash.js';
import { keyPair } from '../support/key-pairs.js';
import { AUDIENCE, options, outcome, presentation, unproven, WIT, wpt } from '../support/proofs.js';
import { rawToken, segment } from '../support/raw-token.js';
import { rejectionOf } from '../support/rejections.js';
import { visibleForms } from '../support/visible-forms.js';
import { authority, bundles, clock, confirmation, NOW, SUBJECT, wit, workload } from '../support/wit-domain.js';

const other = keyPair('P-256', 'other').privateKey;

describe('a proven workload', () => {
  it('is known by its WIT, with what was proven', async () => {
    const caller = await verifyWpt(presentation(wpt({ claims: { jti: 'j' } })), await unproven(), options());
    expect(caller.id.toString()).toBe(SUBJECT);
    expect(caller.claims['exp']).toBe(NOW + 3600);
    expect(caller.proof).toEqual({
      ...{ kind: 'wpt', draft: 'draft-ietf-wimse-wpt-01', jti: 'j', audience: AUDIENCE },
      expiresAt: new Date((NOW + 60) * 1000),
    });
    expect(caller.covered).toEqual({ accessToken: false, txnToken: false, otherTokens: [] });
    expect(Object.isFrozen(caller)).toBe(true);
  });

  it('threat 11: nobody makes an UnprovenWit but verifyWit', async () => {
    const copy = { ...(await unproven()) } as UnprovenWit;
    await expect(verifyWpt(presentation(wpt()), copy, options())).rejects.toThrow(TypeError);
    const clone = Object.create(await unproven()) as UnprovenWit;
    await expect(verifyWpt(presentation(wpt()), clone, options())).rejects.toThrow(TypeError);
  });

  it('shows no token', async () => {
    const tokens = { accessToken: 'ac-cess', txnToken: 'txn-token-text', otherTokens: new Map([['x-user', 'us-er']]) };
    const claims = {
      ath: tokenHash('ac-cess'),
      tth: tokenHash('txn-token-text'),
      oth: { 'x-user': tokenHash('us-er') },
    };
    const proof = wpt({ claims });
    const caller = await verifyWpt(presentation(proof, tokens), await unproven(), options());
    expect(caller.covered).toEqual({ accessToken: true, txnToken: true, otherTokens: ['x-user'] });
    const forms = visibleForms(caller).join();
    for (const secret of [...proof.split('.'), ...WIT.split('.'), 'ac-cess', 'txn-token-text', 'us-er']) {
      expect(forms).not.toContain(secret);
    }
  });
});

describe('the header of a proof', () => {
  it.each(['none', 'HS256', 'ES384', 'EdDSA', 'es256', 'ES256 ', ''])(
    'threat 3: alg %j is not the ES256 of the WIT',
    async (alg) => {
      expect(await outcome(rawToken({ alg, typ: 'wpt+jwt' }, {}))).toBe('alg_mismatch');
    },
  );

  it('threat 3: EdDSA and Ed25519 are two names, and only the one in the WIT will do', async () => {
    const { privateKey } = keyPair('Ed25519');
    for (const [bound, signed] of [
      ['EdDSA', 'Ed25519'],
      ['Ed25519', 'EdDSA'],
    ] as const) {
      const token = wit({ claims: { sub: 'wimse://example.org/w', cnf: confirmation(privateKey, bound) } });
      const proof = (alg: string) => wpt({ header: { alg }, claims: { wth: tokenHash(token) }, key: privateKey });
      const verify = async (alg: string) =>
        rejectionOf(verifyWpt(presentation(proof(alg)), await unproven(token), options()));
      expect(await verify(bound)).toBe('accepted');
      expect(await verify(signed)).toBe('alg_mismatch');
    }
  });

  it.each(['wpt+jwt', 'application/wpt+jwt', 'WPT+JWT', 'Application/Wpt+Jwt'])(
    'threat 10: typ %j is one',
    async (typ) => {
      expect(await outcome(wpt({ header: { typ } }))).toBe('accepted');
    },
  );

  it.each([undefined, null, '', 'JWT', 'wit+jwt', 'dpop+jwt', 'wpt+jwt;x', 'text/wpt+jwt', ['wpt+jwt'], 1])(
    'threat 10: typ %j is not',
    async (typ) => {
      expect(await outcome(wpt({ header: { typ } }))).toBe('wrong_typ');
    },
  );

  it('threat 10: a WIT is no proof, a proof no WIT', async () => {
    expect(await outcome(WIT)).toBe('wrong_typ');
    expect(await rejectionOf(verifyWit(wpt(), bundles, { clock }))).toBe('wrong_typ');
  });

  it('threat 6: only the key in the WIT counts', async () => {
    const jwk = other.export({ format: 'jwk' });
    expect(await outcome(wpt({ key: other }))).toBe('bad_signature');
    expect(
      await outcome(wpt({ header: { jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y } }, key: other })),
    ).toBe('bad_signature');
    expect(await outcome(wpt({ key: authority }))).toBe('bad_signature');
  });

  it.each([{ crit: [] }, { crit: ['exp'] }, { crit: ['b64'], b64: false }])(
    'threat 28: %j is refused',
    async (header) => {
      expect(await outcome(wpt({ header }))).toBe('crit_present');
    },
  );

  it.each([{ zip: 'DEF' }, { cty: 'JWT' }, { enc: 'A128GCM' }])('threat 29: %j is refused', async (header) => {
    expect(await outcome(wpt({ header }))).toBe('unsupported_header');
  });

  it('threat 25: 20 MB are refused unread', async () => {
    expect(await outcome('a'.repeat(20_000_000))).toBe('too_large');
  });
});

describe('the claims of a proof', () => {
  it.each([undefined, null, '1', NOW + 0.5, -1, true])('threat 23: exp %j is refused', async (exp) => {
    expect(await outcome(wpt({ claims: { exp } }))).toBe('bad_exp');
  });

  it('threat 23: a proof lives for five minutes at most, unless told otherwise', async () => {
    expect(await outcome(wpt({ claims: { exp: NOW + 310 } }))).toBe('accepted');
    expect(await outcome(wpt({ claims: { exp: NOW + 311 } }))).toBe('lifetime_too_long');
    expect(await outcome(wpt({ claims: { exp: NOW + 311 } }), { maxLifetimeSeconds: 301 })).toBe('accepted');
    expect(await outcome(wpt({ claims: { exp: NOW + 61 } }), { maxLifetimeSeconds: 60, leewaySeconds: 0 })).toBe(
      'lifetime_too_long',
    );
    expect(await outcome(wpt({ claims: { exp: 8_640_000_000_000 } }))).toBe('lifetime_too_long');
  });

  it('threat 24: the default leeway is 10 s', async () => {
    expect(await outcome(wpt({ claims: { exp: NOW - 9 } }))).toBe('accepted');
    expect(await outcome(wpt({ claims: { exp: NOW - 10 } }))).toBe('expired');
    expect(await outcome(wpt({ claims: { exp: NOW } }), { leewaySeconds: 0 })).toBe('expired');
    expect(await outcome(wpt({ claims: { nbf: NOW + 10 } }))).toBe('accepted');
    expect(await outcome(wpt({ claims: { nbf: NOW + 11 } }))).toBe('not_yet_valid');
    expect(await outcome(wpt(), { clock: () => Number.NaN })).toBe('expired');
  });

  it('a WIT that has expired since it was verified proves nothing', async () => {
    const checked = await unproven();
    const late = (NOW + 3630) * 1000;
    const proof = wpt({ claims: { exp: NOW + 3690 } });
    const at = (now: number) =>
      rejectionOf(verifyWpt(presentation(proof), checked, options({ clock: () => now, replay: store() })));
    const store = () => createMemoryReplayStore({ clock: () => late });
    expect(await at(late - 1)).toBe('accepted');
    expect(await at(late)).toBe('wit_expired');
  });

  it.each([undefined, null, '', 7, {}, ['x'], 'x'.repeat(257), 'ü'.repeat(129)])(
    'threat 19: jti %j is refused',
    async (jti) => {
      expect(await outcome(wpt({ claims: { jti } }))).toBe('bad_jti');
    },
  );

  it('threat 19: 256 bytes of jti are enough for everybody', async () => {
    expect(await outcome(wpt({ claims: { jti: 'x'.repeat(256) } }))).toBe('accepted');
    expect(await outcome(wpt({ claims: { jti: 'ü'.repeat(128) } }))).toBe('accepted');
  });

  it('draft-ietf-wimse-wpt section 2.3: claims that nobody knows are passed over', async () => {
    const claims = { iss: 7, sub: ['x'], iat: 'yesterday', htm: 'GET', 'example.com/a': { b: [null] } };
    expect(await outcome(wpt({ claims }))).toBe('accepted');
  });

  it('threat 14: wth is the hash of this WIT and no other, in one spelling', async () => {
    const hash = tokenHash(WIT);
    const reencoded = WIT.replace(/[^.]+$/, (text) => `${text}=`);
    for (const wth of [undefined, null, 7, [hash]]) expect(await outcome(wpt({ claims: { wth } }))).toBe('bad_wth');
    const wrong = [
      '',
      `${hash}=`,
      hash.slice(0, -1),
      Buffer.from(hash, 'base64url').toString('hex'),
      Buffer.from(hash, 'base64url').toString('base64'),
      tokenHash(wit({ claims: { jti: 'another of the same key' } })),
      tokenHash(reencoded),
      tokenHash(` ${WIT}`),
    ];
    for (const wth of wrong) expect(await outcome(wpt({ claims: { wth } })), wth).toBe('wth_mismatch');
  });

  it('threat 14: a proof for one WIT does not prove another of the same key', async () => {
    const second = await unproven(wit({ claims: { sub: 'spiffe://example.org/admin' } }));
    expect(await rejectionOf(verifyWpt(presentation(wpt()), second, options()))).toBe('wth_mismatch');
  });
});

describe('the tokens that a proof covers', () => {
  it.each([
    ['ath', 'accessToken'],
    ['tth', 'txnToken'],
  ] as const)('threat 15: %s is there exactly when its token is, and is its hash', async (claim, token) => {
    const text = 'the.token.text';
    const covered = (hash: unknown) => wpt({ claims: { [claim]: hash } });
    expect(await outcome(covered(tokenHash(text)), {}, { [token]: text })).toBe('accepted');
    expect(await outcome(wpt(), {}, { [token]: text })).toBe(`missing_${claim}`);
    expect(await outcome(covered(tokenHash(text)))).toBe(`${claim}_without_token`);
    for (const hash of [tokenHash('other'), '', `${tokenHash(text)}=`, null, 7, [tokenHash(text)]]) {
      expect(await outcome(covered(hash), {}, { [token]: text })).toBe(`${claim}_mismatch`);
    }
  });

  const tokens = new Map([
    ['x-user', 'user'],
    ['__proto__', 'p'],
  ]);

  it.each([
    ['accepted', {}],
    ['accepted', { 'x-user': tokenHash('user') }],
    ['oth_mismatch', { 'x-user': tokenHash('other') }],
    ['oth_mismatch', { 'x-user': '' }],
    ['oth_without_token', { 'x-user': tokenHash('user'), 'x-unknown': tokenHash('user') }],
    ['oth_without_token', { constructor: tokenHash('user') }],
    ['oth_without_token', { 'has-own-property': tokenHash('user') }],
    ['bad_oth', { 'X-User': tokenHash('user') }],
    ['bad_oth', { '': tokenHash('user') }],
    ['bad_oth', { 'x user': tokenHash('user') }],
    ['bad_oth', { 'x-user': 7 }],
    ['bad_oth', { 'x-user': null }],
    ['bad_oth', { 'x-user': [tokenHash('user')] }],
    ['bad_oth', Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`x-${index}`, 'h']))],
    ['bad_oth', 'x'],
    ['bad_oth', 7],
    ['bad_oth', null],
    ['bad_oth', true],
    ['bad_oth', [{ 'x-user': tokenHash('user') }]],
  ])('threat 16: %s: oth %j', async (code, oth) => {
    expect(await outcome(wpt({ claims: { oth } }), {}, { otherTokens: tokens })).toBe(code);
  });

  it('threat 16: oth is refused whole where no other token is known', async () => {
    expect(await outcome(wpt({ claims: { oth: { 'x-user': tokenHash('user') } } }))).toBe('oth_without_token');
  });

  it('threat 16: an entry called __proto__ is refused by the reader, a member written twice too', async () => {
    const oth = JSON.parse('{"__proto__":"x"}') as object;
    expect(await outcome(wpt({ claims: { oth } }), {}, { otherTokens: tokens })).toBe('forbidden_member');
    const payload = `{"oth":{"x-user":"a","x-user":"${tokenHash('user')}"}}`;
    const twice = `${segment({ alg: 'ES256', typ: 'wpt+jwt' })}.${segment(payload)}.${segment(Buffer.alloc(64, 1))}`;
    expect(await outcome(twice, {}, { otherTokens: tokens })).toBe('duplicate_member');
  });

  it('threat 16: a token that came along uncovered is not among what may drive a decision', async () => {
    const seen: unknown[][] = [];
    const authorize: Authorizer = (...given) => seen.push(given) > 0;
    const request = presentation(wpt(), { otherTokens: tokens });
    const caller = await verifyWpt(request, await unproven(), options({ authorize }));
    expect(caller.covered.otherTokens).toEqual([]);
    expect(seen).toHaveLength(1);
    expect(inspect(seen, { depth: 9 })).not.toContain('user');
    expect(visibleForms(caller).join()).not.toContain('x-user');
  });
});

describe('what is configured', () => {
  it('threat 12: a Host that equals the audience of the proof does not make it ours', async () => {
    const headers = [
      'Host',
      'attacker.example',
      'X-Forwarded-Host',
      'attacker.example',
      ':authority',
      'attacker.example',
    ];
    const proof = wpt({ claims: { aud: 'https://attacker.example/orders' } });
    const request = readWptRequest([...headers, 'Workload-Identity-Token', WIT, 'Authorization', `WPT ${proof}`], {
      drafts: ['draft-ietf-wimse-wpt-02'],
    });
    expect(await rejectionOf(verifyWpt(request, await unproven(), options()))).toBe('wrong_audience');
  });

  it.each([
    { authorize: undefined },
    { authorize: true },
    { authorize: 'spiffe://example.org/a' },
    { replay: undefined },
    { replay: {} },
    { audiences: undefined },
    { audiences: [] },
    { audiences: '' },
    { audiences: [''] },
    { audiences: [7] },
    { maxLifetimeSeconds: 0 },
    { maxLifetimeSeconds: 3601 },
    { maxLifetimeSeconds: Number.NaN },
    { leewaySeconds: -1 },
    { leewaySeconds: 61 },
  ])('threat 33: %j is a TypeError', async (changes) => {
    await expect(outcome(wpt(), changes as unknown as Partial<VerifyWptOptions>)).rejects.toThrow(TypeError);
  });

  it('threat 33: options left out altogether, or an unknown draft, are a TypeError', async () => {
    const nothing = undefined as unknown as VerifyWptOptions;
    await expect(verifyWpt(presentation(wpt()), await unproven(), nothing)).rejects.toThrow(TypeError);
    const draft = 'draft-ietf-wimse-wpt-00' as 'draft-ietf-wimse-wpt-01';
    await expect(outcome(wpt(), {}, { draft })).rejects.toThrow(TypeError);
  });
});

describe('the authorizer', () => {
  it.each([
    ['exactly', exactly(SUBJECT), 'accepted'],
    ['exactly another', exactly('spiffe://example.org/agents/planner2'), 'not_authorized'],
    ['exactly the same name in wimse', exactly('wimse://example.org/agents/planner'), 'not_authorized'],
    ['one of', oneOf([SUBJECT, 'spiffe://example.org/x']), 'accepted'],
    ['member of', memberOf('example.org'), 'accepted'],
    ['member of another', memberOf('other.example'), 'not_authorized'],
    ['member of the wimse domain', memberOf('wimse://example.org'), 'not_authorized'],
    ['under', under('spiffe://example.org/agents'), 'accepted'],
    ['under a sibling', under('spiffe://example.org/agent'), 'not_authorized'],
    ['anybody', anyId(), 'accepted'],
  ])('threat 32: %s', async (_, authorize, expected) => {
    expect(await outcome(wpt(), { authorize })).toBe(expected);
  });

  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 1],
    ['a text', () => 'yes'],
    ['an object', () => ({})],
    ['a promise of true', async () => true],
    [
      'a promise that fails',
      async () => {
        throw new Error('later');
      },
    ],
  ])('threat 33: an answer of %s is no permission', async (_, authorize) => {
    expect(await outcome(wpt(), { authorize: authorize as unknown as Authorizer })).toBe('not_authorized');
  });

  it('threat 33: one that throws refuses, with the cause kept', async () => {
    const cause = new Error('policy engine down');
    const authorize = () => {
      throw cause;
    };
    const error = await verifyWpt(presentation(wpt()), await unproven(), options({ authorize })).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(WptError);
    expect(error).toMatchObject({ code: 'not_authorized', cause });
  });

  it('is asked after everything else held, and before the proof is remembered', async () => {
    const asked: string[] = [];
    const authorize: Authorizer = (id) => asked.push(id.toString()) < 0;
    const replay = createMemoryReplayStore({ clock });
    const bad = [wpt({ key: other }), wpt({ claims: { exp: NOW - 60 } }), wpt({ claims: { aud: 'x' } })];
    for (const token of [...bad, wpt({ claims: { ath: 'x' } })]) await outcome(token, { authorize, replay });
    expect(asked).toEqual([]);
    expect(await outcome(wpt(), { authorize, replay })).toBe('not_authorized');
    expect(asked).toEqual([SUBJECT]);
    expect(replay.size).toBe(0);
  });
});

describe('replay', () => {
  it('threat 17: a proof is accepted once', async () => {
    const replay = createMemoryReplayStore({ clock });
    const proof = wpt();
    expect(await outcome(proof, { replay })).toBe('accepted');
    expect(await outcome(proof, { replay })).toBe('replayed');
    expect(await outcome(wpt(), { replay })).toBe('accepted');
  });

  it('WIT-SVID section 3.3: one WIT proves many requests, whatever its jti', async () => {
    const replay = createMemoryReplayStore({ clock });
    const token = wit({ claims: { jti: 'of the WIT' } });
    for (const jti of ['of the WIT', 'first', 'second']) {
      const proof = wpt({ claims: { jti, wth: tokenHash(token) } });
      const verify = async () =>
        rejectionOf(verifyWpt(presentation(proof), await unproven(token), options({ replay })));
      expect(await verify()).toBe('accepted');
      expect(await verify()).toBe('replayed');
    }
  });

  it('threat 17: of twenty at once one is accepted', async () => {
    const replay = createMemoryReplayStore({ clock });
    const proof = wpt();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(proof, { replay })));
    expect(outcomes.filter((code) => code === 'accepted')).toHaveLength(1);
    expect(outcomes.filter((code) => code === 'replayed')).toHaveLength(19);
  });

  it('threat 18: only what held is remembered', async () => {
    const replay = createMemoryReplayStore({ clock });
    const flood = Array.from({ length: 50 }, () => wpt({ key: other }));
    for (const token of flood) expect(await outcome(token, { replay })).toBe('bad_signature');
    for (const claims of [{ aud: 'x' }, { wth: 'x' }, { exp: NOW + 900 }]) await outcome(wpt({ claims }), { replay });
    expect(replay.size).toBe(0);
  });

  it('threat 18: an entry is kept until the proof cannot be accepted any more', async () => {
    const seen: { key: string; sender: string; expiresAt: number }[] = [];
    const replay: ReplayStore = { insert: async (entry) => (seen.push({ ...entry }) > 0 ? 'fresh' : 'full') };
    await outcome(wpt({ claims: { exp: NOW + 305, jti: 'j' } }), { replay, leewaySeconds: 7 });
    expect(seen).toEqual([
      { key: expect.stringMatching(/^[\w-]{43}$/), sender: SUBJECT, expiresAt: (NOW + 312) * 1000 },
    ]);
    expect(JSON.stringify(seen)).not.toContain('"j"');
  });

  it('threat 18: a proof from a clock that is ahead cannot be used twice', async () => {
    const time = { now: NOW * 1000 };
    const now = () => time.now;
    const replay = createMemoryReplayStore({ clock: now });
    const proof = wpt({ claims: { exp: NOW + 310 } });
    expect(await outcome(proof, { replay, clock: now })).toBe('accepted');
    for (const second of [1, 300, 309, 310, 319]) {
      time.now = (NOW + second) * 1000 + 999;
      expect(await outcome(proof, { replay, clock: now })).toBe('replayed');
    }
    time.now = (NOW + 320) * 1000;
    expect(await outcome(proof, { replay, clock: now })).toBe('expired');
  });

  it.each([
    ['sender_full', 'replay_store_full'],
    ['full', 'replay_store_full'],
    ['replayed', 'replayed'],
    [undefined, 'replay_store_failed'],
    ['OK', 'replay_store_failed'],
    [true, 'replay_store_failed'],
  ])('threat 18: a verdict of %j refuses with %s', async (verdict, code) => {
    const replay: ReplayStore = { insert: async () => verdict as ReplayVerdict };
    expect(await outcome(wpt(), { replay })).toBe(code);
  });

  it('threat 18: a store that throws refuses, with the cause kept', async () => {
    const cause = new Error('connection lost');
    const stores: ReplayStore[] = [
      { insert: () => Promise.reject(cause) },
      {
        insert: () => {
          throw cause;
        },
      },
    ];
    for (const replay of stores) {
      const error = await verifyWpt(presentation(wpt()), await unproven(), options({ replay })).catch(
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ code: 'replay_store_failed', cause });
    }
  });

  it('threat 18: a full store in memory refuses, and forgets nobody', async () => {
    const replay = createMemoryReplayStore({ clock, maxEntries: 1 });
    const proof = wpt();
    expect(await outcome(proof, { replay })).toBe('accepted');
    expect(await outcome(wpt(), { replay })).toBe('replay_store_full');
    expect(await outcome(proof, { replay })).toBe('replayed');
  });

  it('threat 19: one workload cannot burn the jti of another, nor one trust domain that of another', async () => {
    const replay = createMemoryReplayStore({ clock });
    const same = { jti: 'shared' };
    const subjects = [
      ['spiffe://example.org/a', workload],
      ['spiffe://example.org/b', other],
      ['wimse://example.org/a', workload],
    ] as const;
    for (const [sub, key] of subjects) {
      const token = wit({ claims: { sub, cnf: confirmation(key, 'ES256') } });
      const proof = wpt({ claims: { ...same, wth: tokenHash(token) }, key });
      const verify = async () =>
        rejectionOf(verifyWpt(presentation(proof), await unproven(token), options({ replay })));
      expect(await verify()).toBe('accepted');
      expect(await verify()).toBe('replayed');
    }
  });

  it('threat 20: another signature, or another proof with the same jti, is still the same proof', async () => {
    const replay = createMemoryReplayStore({ clock });
    const claims = { jti: 'once', exp: NOW + 60 };
    const [first, second] = [wpt({ claims }), wpt({ claims: { ...claims, extra: true } })];
    expect(await outcome(first, { replay })).toBe('accepted');
    const signature = Buffer.from(first.split('.')[2] ?? '', 'base64url');
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`);
    const twin = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
    expect(await outcome(first.replace(/[^.]+$/, segment(twin)), { replay })).toBe('replayed');
    expect(await outcome(second, { replay })).toBe('replayed');
  });

  it('an abort refuses with its reason', async () => {
    const reason = new Error('client went away');
    await expect(outcome(wpt(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const replay: ReplayStore = {
      insert: async (_, given) => {
        controller.abort(reason);
        given?.signal?.throwIfAborted();
        return 'fresh';
      },
    };
    await expect(outcome(wpt(), { replay, signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('the order of work', () => {
  it('threat 44: the WIT is verified before the proof, whose key is its word alone', async () => {
    const forged = wit({ claims: { cnf: confirmation(other, 'ES256') }, key: other });
    expect(await rejectionOf(verifyWit(forged, bundles, { clock }))).toBe('bad_signature');
    const trusted = new BundleSet([new WitBundle('example.org', [{ kid: 'k1', key: other }])]);
    expect(await rejectionOf(verifyWit(forged, trusted, { clock }))).toBe('accepted');
  });

  it('the first rule that refuses is the one that is named', async () => {
    const nobody: Authorizer = () => false;
    const replay: ReplayStore = { insert: async () => 'replayed' };
    const all = { authorize: nobody, replay };
    const worst = { aud: 'x', exp: NOW - 60, jti: '', wth: 'x', ath: 'x' };
    const fixes: [string, object][] = [
      ['expired', {}],
      ['bad_jti', { exp: NOW + 60 }],
      ['wrong_audience', { exp: NOW + 60, jti: 'j' }],
      ['wth_mismatch', { exp: NOW + 60, jti: 'j', aud: AUDIENCE }],
      ['ath_without_token', { exp: NOW + 60, jti: 'j', aud: AUDIENCE, wth: tokenHash(WIT) }],
      ['not_authorized', { exp: NOW + 60, jti: 'j', aud: AUDIENCE, wth: tokenHash(WIT), ath: undefined }],
    ];
    expect(await outcome(wpt({ header: { typ: 'x', alg: 'ES256' }, claims: worst, key: other }), all)).toBe(
      'wrong_typ',
    );
    expect(await outcome(wpt({ claims: worst, key: other }), all)).toBe('bad_signature');
    for (const [code, fix] of fixes) expect(await outcome(wpt({ claims: { ...worst, ...fix } }), all)).toBe(code);
    expect(await outcome(wpt(), { replay })).toBe('replayed');
  });

  it('threat 46: a refusal holds no part of a token', async () => {
    const proof = wpt({ claims: { ath: tokenHash('x'), jti: 'a-secret-jti' } });
    const request = presentation(proof, { accessToken: 'another-secret' });
    const error = await verifyWpt(request, await unproven(), options()).catch((e: unknown) => e);
    const forms = inspect(error, { depth: 9, showHidden: true });
    for (const secret of [...proof.split('.'), 'another-secret', 'a-secret-jti', tokenHash('x')]) {
      expect(forms).not.toContain(secret);
    }
    expect(error).toMatchObject({ code: 'ath_mismatch' });
  });
});
