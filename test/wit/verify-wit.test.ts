import { inspect } from 'node:util';
import {
  BundleSet,
  JwtBundle,
  parseSpiffeBundle,
  parseWitBundle,
  WitBundle,
  type WitBundleSource,
} from 'svidkit/bundle';
import { WitError } from 'svidkit/errors';
import * as wits from 'svidkit/wit';
import { type VerifyWitOptions, verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { publicJwkOf, thumbprintOf } from '../../src/internal/jwk.js';
import { tokenHash } from '../../src/internal/token-hash.js';
import { keyPair } from '../support/key-pairs.js';
import { rawToken, segment } from '../support/raw-token.js';
import { rejectionOf } from '../support/rejections.js';
import { signedToken } from '../support/signed-token.js';
import { visibleForms } from '../support/visible-forms.js';
import {
  authority,
  bundles,
  clock,
  confirmation,
  NOW,
  SUBJECT,
  WIT_HEADER,
  wit,
  workload,
} from '../support/wit-domain.js';

const other = keyPair('P-256', 'other').privateKey;

function outcome(token: string, options: VerifyWitOptions = {}, source: WitBundleSource = bundles): Promise<string> {
  return rejectionOf(verifyWit(token, source, { clock, ...options }));
}

const noLookUp: WitBundleSource = {
  getWitBundle: () => {
    throw new Error('a key was looked up');
  },
};

describe('a verified WIT', () => {
  it('says which key must prove it', async () => {
    const token = wit();
    const unproven = await verifyWit(token, bundles, { clock });
    expect(unproven.alg).toBe('ES256');
    expect(unproven.thumbprint).toBe(thumbprintOf(workload));
    expect(unproven.confirmationKey.equals(keyPair('P-256', 'workload').publicKey)).toBe(true);
    expect(unproven.trustDomain.toString()).toBe('spiffe://example.org');
    expect(unproven.expiresAt).toEqual(new Date((NOW + 3600) * 1000));
    expect(unproven.hash).toBe(tokenHash(token));
  });

  it('threat 11: names nobody, and shows no token', async () => {
    const token = wit({ claims: { jti: 'the-jti' } });
    const unproven = await verifyWit(token, bundles, { clock });
    const forms = visibleForms(unproven).join();
    for (const secret of ['planner', 'the-jti', ...token.split('.')]) expect(forms).not.toContain(secret);
    const reachable = Reflect.ownKeys(unproven).map((key) => inspect(Reflect.get(unproven, key), { depth: 9 }));
    expect(reachable.join()).not.toContain('planner');
  });

  it('threat 11: nothing that gives an identity for a WIT alone goes by another name than Unverified', () => {
    const readers = Object.keys(wits).filter((name) => /^(?:parse|read|decode|open|identify)/.test(name));
    expect(readers.sort()).toEqual(['decodeWitUnverified', 'parseWitSvid']);
    expect(wits.decodeWitUnverified(wit()).claims['sub']).toBe(SUBJECT);
    expect('UnprovenWit' in wits).toBe(false);
  });
});

describe('the header of a WIT', () => {
  it.each(['none', 'None', '', 'HS256', 'HS384', 'RSA-OAEP', 'ES256K', 'es256', 'constructor'])(
    'threat 1: alg %j is refused in every profile before any key is looked up',
    async (alg) => {
      const token = rawToken({ ...WIT_HEADER, alg }, { sub: SUBJECT });
      for (const profiles of [['spiffe'], ['wimse'], ['spiffe', 'wimse']] as const) {
        expect(await outcome(token, { profiles }, noLookUp)).toBe('unsupported_alg');
      }
    },
  );

  it.each([
    ['P-384', 'alg_mismatch'],
    ['RSA', 'alg_mismatch'],
    ['Ed25519', 'alg_mismatch'],
  ] as const)('threat 2: ES256 with a %s key in the bundle is %s', async (kind, code) => {
    const source = new BundleSet([new WitBundle('example.org', [{ kid: 'k1', key: keyPair(kind).privateKey }])]);
    expect(await outcome(wit(), {}, source)).toBe(code);
  });

  it('threat 2: the alg and key_ops of the bundle key bind', async () => {
    const source = (members: object) =>
      new BundleSet([
        parseWitBundle('example.org', JSON.stringify({ keys: [{ ...publicJwkOf(authority), kid: 'k1', ...members }] })),
      ]);
    expect(await outcome(wit(), {}, source({ alg: 'ES256', key_ops: ['verify'] }))).toBe('accepted');
    expect(await outcome(wit(), {}, source({ alg: 'ES384' }))).not.toBe('accepted');
    expect(await outcome(wit(), {}, source({ key_ops: ['sign'] }))).toBe('alg_mismatch');
    const { privateKey } = keyPair('RSA');
    const rsa = (alg: string) =>
      new BundleSet([
        parseWitBundle('example.org', JSON.stringify({ keys: [{ ...publicJwkOf(privateKey), kid: 'k1', alg }] })),
      ]);
    const ps256 = wit({ header: { alg: 'PS256' }, key: privateKey });
    expect(await outcome(ps256, {}, rsa('PS256'))).toBe('accepted');
    expect(await outcome(ps256, {}, rsa('RS256'))).toBe('alg_mismatch');
  });

  it('threat 6: key material in the header is never used', async () => {
    const material = {
      jwk: publicJwkOf(other),
      jku: 'https://attacker.example/jwks.json',
      x5u: 'https://attacker.example/chain.pem',
      x5c: ['MIIB'],
    };
    expect(await outcome(wit({ header: material, key: other }))).toBe('bad_signature');
    expect(await outcome(wit({ header: { ...material, kid: 'theirs' }, key: other }))).toBe('unknown_key');
    expect(await outcome(wit({ header: material }))).toBe('accepted');
  });

  it.each([{ crit: [] }, { crit: ['exp'] }, { crit: ['b64'], b64: true }, { crit: {} }, { crit: ['nothing'] }])(
    'threat 28: %j is refused',
    async (header) => {
      expect(await outcome(wit({ header }))).toBe('crit_present');
    },
  );

  it.each([{ zip: 'DEF' }, { cty: 'JWT' }, { enc: 'A128GCM' }])('threat 29: %j is refused', async (header) => {
    expect(await outcome(wit({ header }))).toBe('unsupported_header');
  });

  it('threat 29: a detached payload and the form of a JWE are refused', async () => {
    const [header = '', payload = '', signature = ''] = wit().split('.');
    for (const text of [`${header}..${signature}`, `${header}.${payload}.`, `${header}.${payload}.${signature}.A.A`]) {
      expect(await outcome(text)).toBe('not_compact');
    }
  });

  it.each([
    undefined,
    null,
    1,
    '',
    'JWT',
    'jwt',
    'JOSE',
    'wpt+jwt',
    'application/wpt+jwt',
    'wimse-id+jwt',
    'dc+sd-jwt',
    ['wit+jwt'],
  ])('threat 10: typ %j is no WIT', async (typ) => {
    expect(await outcome(wit({ header: { typ } }))).toBe('wrong_typ');
  });

  it.each([1, null, ['k1'], {}])('threat 8: kid %j is refused', async (kid) => {
    expect(await outcome(wit({ header: { kid } }))).toBe('bad_kid');
  });

  it.each(['', 'K1', ' k1', '__proto__', 'constructor'])('threat 8: kid %j names no other key', async (kid) => {
    expect(await outcome(wit({ header: { kid } }))).toBe('unknown_key');
  });

  it('threat 25: 20 MB and a limit of its own', async () => {
    expect(await outcome('a'.repeat(20_000_000))).toBe('too_large');
    expect(await outcome(wit(), { maxBytes: 100 })).toBe('too_large');
  });

  it('threat 27: members written twice are refused, in the header as in the claims', async () => {
    const twice = (json: string, name: string) => json.replace(`"${name}"`, `"${name}":null,"${name}"`);
    const [header = '', payload = '', signature = ''] = wit().split('.');
    const decoded = (text: string) => Buffer.from(text, 'base64url').toString();
    for (const name of ['alg', 'typ', 'kid']) {
      expect(await outcome(`${segment(twice(decoded(header), name))}.${payload}.${signature}`)).toBe(
        'duplicate_member',
      );
    }
    for (const name of ['sub', 'exp', 'cnf', 'jwk', 'x']) {
      expect(await outcome(`${header}.${segment(twice(decoded(payload), name))}.${signature}`)).toBe(
        'duplicate_member',
      );
    }
  });
});

describe('whose keys', () => {
  const two = new BundleSet([
    new WitBundle('example.org', [{ kid: 'k1', key: authority }]),
    new WitBundle('other.example', [{ kid: 'k1', key: other }]),
    new WitBundle('wimse://third.example', [{ kid: 'k1', key: other }]),
  ]);

  it('threat 7: a trust domain never speaks for another, whatever the kid', async () => {
    expect(await outcome(wit({ key: other }), {}, two)).toBe('bad_signature');
    expect(await outcome(wit({ claims: { sub: 'spiffe://other.example/x' } }), {}, two)).toBe('bad_signature');
    expect(await outcome(wit({ claims: { sub: 'spiffe://other.example/x' }, key: other }), {}, two)).toBe('accepted');
    expect(await outcome(wit({ claims: { sub: 'spiffe://nobody.example/x' } }), {}, two)).toBe('unknown_trust_domain');
  });

  it('threat 7: nor does a scheme speak for another', async () => {
    expect(await outcome(wit({ claims: { sub: 'wimse://example.org/x' } }), {}, two)).toBe('unknown_trust_domain');
    expect(await outcome(wit({ claims: { sub: 'spiffe://third.example/x' }, key: other }), {}, two)).toBe(
      'unknown_trust_domain',
    );
    expect(await outcome(wit({ claims: { sub: 'wimse://third.example/x' }, key: other }), {}, two)).toBe('accepted');
  });

  it('threat 7: a source that gives the bundle of another trust domain is misuse', async () => {
    const bundle = new WitBundle('other.example', [{ kid: 'k1', key: other }]);
    await expect(outcome(wit({ key: other }), {}, { getWitBundle: () => bundle })).rejects.toThrow(TypeError);
  });

  it('threat 9: keys for other uses do not verify a WIT', async () => {
    const document = (use: string) => {
      const keys = [{ ...publicJwkOf(authority), use, kid: 'k1' }];
      return new BundleSet([parseSpiffeBundle('example.org', JSON.stringify({ keys }))]);
    };
    expect(await outcome(wit(), {}, document('wit-svid'))).toBe('accepted');
    for (const use of ['jwt-svid', 'sig', 'unheard-of']) {
      expect(await outcome(wit(), {}, document(use))).toBe('unknown_key');
    }
    const bundle = new JwtBundle('example.org', [{ kid: 'k1', key: authority }]);
    const confused = { getWitBundle: () => bundle } as unknown as WitBundleSource;
    await expect(outcome(wit(), {}, confused)).rejects.toThrow(TypeError);
  });

  it('SPIFFE Trust Domain and Bundle section 4.1.3: an empty bundle trusts nobody', async () => {
    const nothingUsable = JSON.stringify({ keys: [{ ...publicJwkOf(authority), kid: 'k1', use: 'future-svid' }] });
    for (const document of ['{"keys":[]}', nothingUsable]) {
      for (const domain of ['spiffe://example.org', 'wimse://example.org']) {
        const emptied = new BundleSet([parseSpiffeBundle(domain, document)]);
        const sub = `${domain}/x`;
        expect(await outcome(wit({ claims: { sub } }), {}, emptied)).toBe('unknown_key');
        const nameless = wit({ header: { kid: undefined }, claims: { sub } });
        expect(await outcome(nameless, { profiles: ['wimse'] }, emptied)).toBe('ambiguous_key');
      }
    }
  });

  it('threat 31: iss is compared with a list where there is one, and never followed', async () => {
    const issued = wit({ claims: { iss: 'https://attacker.example' } });
    expect(await outcome(issued)).toBe('accepted');
    expect(await outcome(issued, { issuers: ['https://issuer.example'] })).toBe('bad_iss');
    expect(await outcome(wit(), { issuers: ['https://issuer.example'] })).toBe('bad_iss');
    expect(await outcome(issued, { issuers: ['https://issuer.example', 'https://attacker.example'] })).toBe('accepted');
    expect(await outcome(wit({ claims: { iss: ['x'] } }))).toBe('bad_iss');
    expect(await outcome(wit({ claims: { jwks_uri: 'https://attacker.example' }, key: other }))).toBe('bad_signature');
  });
});

describe('the claims of a WIT', () => {
  it.each([
    undefined,
    null,
    5,
    '',
    [SUBJECT],
    'planner',
    'spiffe://example.org',
    'wimse://example.org',
    'spiffe://example.org/',
    'SPIFFE://example.org/x',
    'spiffe://example.org/a/%2e%2e/x',
    'https://example.org/x',
  ])('threat 32: sub %j is refused', async (sub) => {
    expect(await outcome(wit({ claims: { sub } }))).toBe('bad_sub');
  });

  it.each([undefined, null, '1750003600', NOW + 0.5, -1, true, {}, 9e15, 8_640_000_000_001])(
    'threat 23: exp %j is refused',
    async (exp) => {
      expect(await outcome(wit({ claims: { exp } }))).toBe('bad_exp');
    },
  );

  it('threat 23: exp 1e999 is refused, and now is too late without leeway', async () => {
    const [header = '', payload = ''] = wit().split('.');
    const claims = Buffer.from(payload, 'base64url').toString();
    const infinite = signedToken(WIT_HEADER, claims.replace(String(NOW + 3600), '1e999'), authority);
    expect(header).not.toBe('');
    expect(await outcome(infinite)).toBe('number_out_of_range');
    expect(await outcome(wit({ claims: { exp: NOW } }), { leewaySeconds: 0 })).toBe('expired');
    expect(await outcome(wit({ claims: { exp: NOW + 1 } }), { leewaySeconds: 0 })).toBe('accepted');
  });

  it('threat 23: the life of a WIT can be capped', async () => {
    expect(await outcome(wit(), { maxLifetimeSeconds: 3600 })).toBe('accepted');
    expect(await outcome(wit({ claims: { exp: NOW + 3631 } }), { maxLifetimeSeconds: 3600 })).toBe('lifetime_too_long');
    expect(await outcome(wit({ claims: { nbf: NOW - 60 } }), { maxLifetimeSeconds: 3600 })).toBe('lifetime_too_long');
    expect(await outcome(wit({ claims: { exp: 8_000_000_000_000 } }))).toBe('accepted');
  });

  it('threat 24: the default leeway is 30 s; nbf is enforced; iat limits nothing', async () => {
    expect(await outcome(wit({ claims: { exp: NOW - 29 } }))).toBe('accepted');
    expect(await outcome(wit({ claims: { exp: NOW - 30 } }))).toBe('expired');
    expect(await outcome(wit({ claims: { nbf: NOW + 30 } }))).toBe('accepted');
    expect(await outcome(wit({ claims: { nbf: NOW + 31 } }))).toBe('not_yet_valid');
    expect(await outcome(wit({ claims: { nbf: 'x' } }))).toBe('bad_nbf');
    for (const iat of [NOW + 100_000, 'yesterday', undefined]) {
      expect(await outcome(wit({ claims: { iat } }))).toBe('accepted');
      expect(await outcome(wit({ claims: { iat } }), { profiles: ['wimse'] })).toBe('accepted');
    }
    expect(await outcome(wit(), { clock: () => Number.NaN })).toBe('expired');
  });

  it('a jti must be a string', async () => {
    expect(await outcome(wit({ claims: { jti: 5 } }))).toBe('bad_jti');
  });

  it('threat 44: a WIT is worth nothing before its signature holds', async () => {
    const [header, payload] = wit().split('.');
    const zero = Buffer.alloc(64).toString('base64url');
    const attempts = [zero, Buffer.alloc(64, 255).toString('base64url'), Buffer.alloc(63, 1).toString('base64url')];
    for (const signature of attempts) expect(await outcome(`${header}.${payload}.${signature}`)).toBe('bad_signature');
  });

  it('WIT-SVID section 4: a changed byte anywhere breaks the signature', async () => {
    const good = wit();
    expect(await outcome(good)).toBe('accepted');
    const [header = '', , signature = ''] = good.split('.');
    const claims = { sub: 'spiffe://example.org/admin', exp: NOW + 3600, cnf: confirmation(other, 'ES256') };
    expect(await outcome(`${header}.${segment(claims)}.${signature}`)).toBe('bad_signature');
    for (let at = 0; at < good.length; at += 1) {
      const changed = `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`;
      expect(await outcome(changed), `character ${at}`).not.toBe('accepted');
    }
  });

  it('threat 46: a refusal holds no part of the token', async () => {
    const token = wit({ claims: { secret: 'x' }, key: other });
    const error = await verifyWit(token, bundles, { clock }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WitError);
    for (const part of token.split('.')) expect(inspect(error, { depth: 9 })).not.toContain(part);
  });

  it('misuse is a TypeError', async () => {
    const wrong: object[] = [
      { profiles: [] },
      { profiles: ['oauth'] },
      { leewaySeconds: 121 },
      { leewaySeconds: Number.NaN },
      { maxLifetimeSeconds: 0 },
      { issuers: 'https://issuer.example' },
    ];
    for (const options of wrong) await expect(outcome(wit(), options)).rejects.toThrow(TypeError);
    await expect(verifyWit(7 as unknown as string, bundles)).rejects.toThrow(TypeError);
  });
});
