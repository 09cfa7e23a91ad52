import type { KeyObject } from 'node:crypto';
import {
  BundleSet,
  JwtBundle,
  type JwtBundleSource,
  parseJwtBundle,
  parseSpiffeBundle,
  WitBundle,
} from 'svidkit/bundle';
import { JwtSvidError } from 'svidkit/errors';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { describe, expect, it } from 'vitest';
import { publicJwkOf } from '../../src/internal/jwk.js';
import { SPIFFE_ALGORITHMS } from '../../src/internal/jws-algorithm.js';
import { type KeyKind, keyPair } from '../support/key-pairs.js';
import { rawToken, segment } from '../support/raw-token.js';
import { rejectionOf } from '../support/rejections.js';
import { signedToken } from '../support/signed-token.js';

const NOW = 1_750_000_000;
const clock = () => NOW * 1000;
const authority = keyPair('P-256', 'authority').privateKey;
const other = keyPair('P-256', 'other').privateKey;
const HEADER = { alg: 'ES256', kid: 'k1', typ: 'JWT' };
const CLAIMS = { sub: 'spiffe://example.org/planner', aud: ['reports'], exp: NOW + 60 };

const bundles = new BundleSet([
  new JwtBundle('example.org', [
    { kid: 'k1', key: authority },
    { kid: 'k2', key: keyPair('P-384').privateKey },
    { kid: 'k3', key: keyPair('RSA').privateKey },
  ]),
  new JwtBundle('other.example', [{ kid: 'k1', key: other }]),
]);

interface Changes {
  readonly header?: object;
  readonly claims?: object;
  readonly key?: KeyObject;
}

function token({ header = {}, claims = {}, key = authority }: Changes = {}): string {
  return signedToken({ ...HEADER, ...header }, { ...CLAIMS, ...claims }, key);
}

function outcome(text: string, source: JwtBundleSource = bundles): Promise<string> {
  return rejectionOf(verifyJwtSvid(text, source, { audience: 'reports', clock }));
}

describe('JWT-SVID section 2, JOSE header', () => {
  it.each([
    ['RS256', 'RSA'],
    ['RS384', 'RSA'],
    ['RS512', 'RSA'],
    ['PS256', 'RSA'],
    ['PS384', 'RSA'],
    ['PS512', 'RSA'],
    ['ES256', 'P-256'],
    ['ES384', 'P-384'],
    ['ES512', 'P-521'],
  ] satisfies [string, KeyKind][])('2.1: %s is supported', async (alg, kind) => {
    expect(SPIFFE_ALGORITHMS).toContain(alg);
    const { privateKey } = keyPair(kind);
    const source = new BundleSet([new JwtBundle('example.org', [{ kid: 'k1', key: privateKey }])]);
    expect(await outcome(token({ header: { alg }, key: privateKey }), source)).toBe('accepted');
  });

  it.each([
    'none',
    'None',
    'NONE',
    '',
    'HS256',
    'HS512',
    'EdDSA',
    'Ed25519',
    'ES256K',
    'es256',
    'RSA-OAEP',
    'toString',
  ])('threat 1: alg %j is refused before any key is looked up', async (alg) => {
    const source: JwtBundleSource = {
      getJwtBundle: () => {
        throw new Error('a key was looked up');
      },
    };
    expect(await outcome(rawToken({ ...HEADER, alg }, CLAIMS), source)).toBe('unsupported_alg');
  });

  it('threat 1: an HMAC keyed with the public key is refused', async () => {
    const forged = rawToken({ ...HEADER, alg: 'HS256' }, CLAIMS, Buffer.alloc(32, 7));
    expect(await outcome(forged)).toBe('unsupported_alg');
    expect(await outcome(rawToken({ ...HEADER, alg: 5 }, CLAIMS))).toBe('bad_alg');
  });

  it('2.2: kid is optional; every key of the trust domain that fits is tried', async () => {
    const { kid: _, ...bare } = HEADER;
    const source = new BundleSet([
      new JwtBundle('example.org', [
        { kid: 'a', key: keyPair('P-384').privateKey },
        { kid: 'b', key: other },
        { kid: 'c', key: authority },
      ]),
    ]);
    expect(await outcome(signedToken(bare, CLAIMS, authority), source)).toBe('accepted');
    expect(await outcome(signedToken(bare, CLAIMS, keyPair('P-256', 'stranger').privateKey), source)).toBe(
      'bad_signature',
    );
    const named = new BundleSet([new JwtBundle('example.org', [{ kid: 'b', key: other }, { key: authority }])]);
    expect(await outcome(signedToken(bare, CLAIMS, authority), named)).toBe('accepted');
  });

  it.each(['', 'K1', 'k1 ', '__proto__', 'constructor', 'missing'])(
    'threat 8: kid %j names that key and no other',
    async (kid) => {
      expect(await outcome(token({ header: { kid } }))).toBe('unknown_key');
    },
  );

  it('threat 8: a kid that is not a string is refused', async () => {
    for (const kid of [1, null, ['k1'], {}]) expect(await outcome(token({ header: { kid } }))).toBe('bad_kid');
  });

  it('threat 8: a key named "__proto__" can be found', async () => {
    const source = new BundleSet([new JwtBundle('example.org', [{ kid: '__proto__', key: authority }])]);
    expect(await outcome(token({ header: { kid: '__proto__' } }), source)).toBe('accepted');
  });

  it.each(['JWT', 'JOSE', undefined])('2.3: typ %j is accepted', async (typ) => {
    expect(await outcome(token({ header: { typ } }))).toBe('accepted');
  });

  it.each([
    'jwt',
    'at+jwt',
    'wit+jwt',
    'application/wit+jwt',
    'wpt+jwt',
    'wimse-id+jwt',
    'sd-jwt',
    '',
    null,
    ['JWT'],
    1,
  ])('threat 10: typ %j is another kind of token', async (typ) => {
    expect(await outcome(token({ header: { typ } }))).toBe('wrong_typ');
  });

  it.each([{ jwk: publicJwkOf(other) }, { jku: 'https://attacker.example/jwks' }, { x5c: ['AA=='] }, { x5t: 'AA' }])(
    'threat 6: key material in the header is refused, not used: %j',
    async (header) => {
      expect(await outcome(token({ header, key: other }))).toBe('unexpected_header');
      expect(await outcome(token({ header }))).toBe('unexpected_header');
    },
  );

  it.each<object>([{ note: 'x' }, { iat: 1 }, { Kid: 'k1' }, { jti: '' }, { constructor: 1 }])(
    'section 2: a header with any other parameter is refused: %j',
    async (header) => {
      expect(await outcome(token({ header }))).toBe('unexpected_header');
    },
  );

  it.each([{ crit: [] }, { crit: ['exp'] }, { crit: ['b64'], b64: false }, { crit: 'exp' }])(
    'threat 28: %j is refused',
    async (header) => {
      expect(await outcome(token({ header }))).toBe('crit_present');
    },
  );

  it.each([{ zip: 'DEF' }, { cty: 'JWT' }, { enc: 'A128GCM' }, { b64: false }])(
    'threat 29: %j is refused',
    async (header) => {
      expect(await outcome(token({ header }))).toBe('unsupported_header');
    },
  );

  it('threat 29: a detached payload, a JWE and the JSON serialisation are refused', async () => {
    const [header = '', payload = '', signature = ''] = token().split('.');
    expect(await outcome(`${header}..${signature}`)).toBe('not_compact');
    expect(await outcome(`${header}.${payload}.${signature}.AA.AA`)).toBe('not_compact');
    expect(await outcome(JSON.stringify({ protected: header, payload, signature }))).toBe('not_compact');
  });

  it('threat 25: a huge token is refused unread, and the limit can be set', async () => {
    expect(await outcome('a'.repeat(20_000_000))).toBe('too_large');
    const long = token({ claims: { filler: 'x'.repeat(9000) } });
    expect(await outcome(long)).toBe('too_large');
    expect(await rejectionOf(verifyJwtSvid(long, bundles, { audience: 'reports', clock, maxBytes: 20_000 }))).toBe(
      'accepted',
    );
  });
});

describe('JWT-SVID section 3, claims', () => {
  it('3.1 to 3.3: a verified token says who, for whom, until when', async () => {
    const verified = await verifyJwtSvid(token({ claims: { aud: ['a', 'reports'], extra: { deep: [1] } } }), bundles, {
      audience: ['other', 'reports'],
      clock,
    });
    expect(verified.id.toString()).toBe(CLAIMS.sub);
    expect(verified.audience).toEqual(['a', 'reports']);
    expect(verified.expiresAt).toEqual(new Date((NOW + 60) * 1000));
    expect(verified.claims['extra']).toEqual({ deep: [1] });
    expect(Object.getPrototypeOf(verified.claims)).toBeNull();
  });

  it.each([
    undefined,
    null,
    7,
    '',
    'example.org/planner',
    'https://example.org/planner',
    'wimse://example.org/planner',
    'spiffe://example.org',
    'spiffe://Example.org/planner',
    'SPIFFE://example.org/planner',
    'spiffe://example.org/a/../planner',
    'spiffe://example.org/%70lanner',
    'spiffe://example.org/planner/',
  ])('threat 32: sub %j is refused', async (sub) => {
    expect(await outcome(token({ claims: { sub } }))).toBe('bad_sub');
  });

  it.each([undefined, null, [], '', [''], 7, {}, ['reports', 7], ['reports', null]])(
    '3.2: aud %j is refused',
    async (aud) => {
      expect(await outcome(token({ claims: { aud } }))).toBe('bad_aud');
    },
  );

  it('3.2: a string is accepted; any match is enough; nothing is normalised', async () => {
    expect(await outcome(token({ claims: { aud: 'reports' } }))).toBe('accepted');
    expect(await outcome(token({ claims: { aud: ['x', 'reports'] } }))).toBe('accepted');
    for (const aud of ['Reports', 'reports/', 'report', 'other']) {
      expect(await outcome(token({ claims: { aud } }))).toBe('wrong_audience');
    }
  });

  it('threat 31: iss is data, whatever it says', async () => {
    expect(await outcome(token({ claims: { iss: 'https://attacker.example' } }))).toBe('accepted');
  });

  it.each([undefined, null, '1750000060', NOW + 60.5, -1, '1e9', true, [NOW + 60], 8_640_000_000_001])(
    'threat 23: exp %j is refused',
    async (exp) => {
      expect(await outcome(token({ claims: { exp } }))).toBe('bad_exp');
    },
  );

  it('threat 23: exp 1e999 and beyond 2^53 are refused', async () => {
    for (const exp of ['1e999', '9007199254740993']) {
      const payload = JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), exp);
      expect(await outcome(signedToken(HEADER, payload, authority))).toBe('number_out_of_range');
    }
  });

  it.each([
    [0, 0, 'expired'],
    [1, 0, 'accepted'],
    [-29, 30, 'accepted'],
    [-30, 30, 'expired'],
  ])('threat 24: exp at %i s from now with a leeway of %i s is %s', async (from, leewaySeconds, expected) => {
    const options = { audience: 'reports', clock, leewaySeconds };
    expect(await rejectionOf(verifyJwtSvid(token({ claims: { exp: NOW + from } }), bundles, options))).toBe(expected);
  });

  it('threat 24: nbf in the future refuses, iat in the future does not; the default leeway is 30 s', async () => {
    expect(await outcome(token({ claims: { nbf: NOW + 30 } }))).toBe('accepted');
    expect(await outcome(token({ claims: { nbf: NOW + 31 } }))).toBe('not_yet_valid');
    expect(await outcome(token({ claims: { nbf: 'soon' } }))).toBe('bad_nbf');
    expect(await outcome(token({ claims: { iat: NOW + 9000 } }))).toBe('accepted');
    expect(await outcome(token({ claims: { exp: NOW - 29 } }))).toBe('accepted');
  });

  it('threat 24: a broken clock refuses', async () => {
    const options = { audience: 'reports', clock: () => Number.NaN };
    expect(await rejectionOf(verifyJwtSvid(token(), bundles, options))).toBe('expired');
  });
});

describe('JWT-SVID section 4, whose keys', () => {
  it.each([
    ['ES256 with a P-384 key', { kid: 'k2' }],
    ['ES256 with an RSA key', { kid: 'k3' }],
  ])('threat 2: %s is refused', async (_, header) => {
    expect(await outcome(token({ header }))).toBe('alg_mismatch');
  });

  it('threat 2: alg, key_ops and padding of the bundle key bind', async () => {
    const jwks = (members: object) =>
      parseJwtBundle('example.org', JSON.stringify({ keys: [{ kid: 'k1', ...publicJwkOf(authority), ...members }] }));
    const rsa = keyPair('RSA').privateKey;
    expect(await outcome(token(), new BundleSet([jwks({ alg: 'ES256', key_ops: ['verify'] })]))).toBe('accepted');
    expect(await outcome(token(), new BundleSet([jwks({ key_ops: ['sign'] })]))).toBe('alg_mismatch');
    const rs256 = new BundleSet([
      jwks({ ...publicJwkOf(rsa), crv: undefined, x: undefined, y: undefined, alg: 'RS256' }),
    ]);
    expect(await outcome(token({ header: { alg: 'RS256' }, key: rsa }), rs256)).toBe('accepted');
    expect(await outcome(token({ header: { alg: 'PS256' }, key: rsa }), rs256)).toBe('alg_mismatch');
  });

  it('threat 7: the keys of one trust domain never verify a subject of another, whatever the kid', async () => {
    expect(await outcome(token({ key: other }))).toBe('bad_signature');
    expect(await outcome(token({ claims: { sub: 'spiffe://other.example/planner' } }))).toBe('bad_signature');
    expect(await outcome(token({ claims: { sub: 'spiffe://other.example/planner' }, key: other }))).toBe('accepted');
    expect(await outcome(token({ claims: { sub: 'spiffe://third.example/planner' } }))).toBe('unknown_trust_domain');
  });

  it('threat 7: a source that gives the bundle of another trust domain is misuse', async () => {
    const bundle = new JwtBundle('other.example', [{ kid: 'k1', key: other }]);
    const wrong: JwtBundleSource = { getJwtBundle: () => bundle };
    await expect(outcome(token({ key: other }), wrong)).rejects.toThrow(TypeError);
  });

  it('threat 9: the keys of other uses in a SPIFFE bundle are not looked at', async () => {
    const keys = (use: string) => [{ use, kid: 'k1', ...publicJwkOf(authority) }];
    const document = (use: string) =>
      new BundleSet([parseSpiffeBundle('example.org', JSON.stringify({ keys: keys(use) }))]);
    expect(await outcome(token(), document('jwt-svid'))).toBe('accepted');
    expect(await outcome(token(), document('wit-svid'))).toBe('unknown_key');
    const bundle = new WitBundle('example.org', [{ kid: 'k1', key: authority }]);
    const confused = { getJwtBundle: () => bundle } as unknown as JwtBundleSource;
    await expect(outcome(token(), confused)).rejects.toThrow(TypeError);
  });

  it('a changed byte anywhere breaks the signature', async () => {
    const good = token();
    const [header = '', , signature = ''] = good.split('.');
    const forged = segment({ ...CLAIMS, sub: 'spiffe://example.org/admin' });
    expect(await outcome(`${header}.${forged}.${signature}`)).toBe('bad_signature');
    expect(
      await outcome(`${segment({ typ: 'JWT', kid: 'k1', alg: 'ES256' })}.${good.split('.')[1]}.${signature}`),
    ).toBe('bad_signature');
    for (let at = 0; at < good.length; at += 1) {
      const changed = `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`;
      expect(await outcome(changed), `character ${at}`).not.toBe('accepted');
    }
  });

  it('SPIFFE Trust Domain and Bundle section 4.1.3: an empty bundle trusts nobody', async () => {
    const nothingUsable = JSON.stringify({ keys: [{ ...publicJwkOf(authority), kid: 'k1', use: 'future-svid' }] });
    for (const document of ['{"keys":[]}', nothingUsable]) {
      const emptied = new BundleSet([parseSpiffeBundle('example.org', document)]);
      expect(await outcome(token(), emptied)).not.toBe('accepted');
      expect(await outcome(token({ header: { kid: undefined } }), emptied)).not.toBe('accepted');
    }
  });

  it('what the bundle source throws comes through as it is', async () => {
    const failing: JwtBundleSource = {
      getJwtBundle: () => {
        throw new RangeError('not ready');
      },
    };
    await expect(outcome(token(), failing)).rejects.toThrow(new RangeError('not ready'));
  });

  it('misuse is a TypeError', async () => {
    for (const audience of [undefined, '', [], ['']]) {
      const options = { audience } as unknown as { audience: string };
      await expect(verifyJwtSvid(token(), bundles, options)).rejects.toThrow(TypeError);
    }
    for (const leewaySeconds of [-1, 121, Number.NaN, '5' as unknown as number]) {
      await expect(verifyJwtSvid(token(), bundles, { audience: 'reports', leewaySeconds })).rejects.toThrow(TypeError);
    }
    await expect(verifyJwtSvid(undefined as unknown as string, bundles, { audience: 'reports' })).rejects.toThrow(
      TypeError,
    );
  });

  it('threat 46: a refusal holds no part of the token', async () => {
    const text = token({ claims: { aud: 'other', secret: 'c2VjcmV0' } });
    const error = await verifyJwtSvid(text, bundles, { audience: 'reports', clock }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(JwtSvidError);
    for (const part of text.split('.')) expect(`${error} ${JSON.stringify(error)}`).not.toContain(part);
  });
});
