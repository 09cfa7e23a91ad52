import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { JwtBundle, parseJwtBundle, parseWitBundle, WitBundle } from 'svidkit/bundle';
import { BundleError, IdError } from 'svidkit/errors';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { jwkEntry, jwkSet } from '../support/bundle-documents.js';
import { type KeyKind, keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';

const TD = 'example.org';
const KINDS: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'];
const ec = (members: object = {}, name = ''): object => jwkEntry(keyPair('P-256', name).publicKey, members);
const same = (one: JwtBundle | WitBundle, other: JwtBundle | WitBundle): boolean =>
  Reflect.apply(one.equals, one, [other]);
const kids = (bundle: JwtBundle | WitBundle): (string | undefined)[] => bundle.keys.map(({ kid }) => kid);

describe.each([
  ['JWT', 'jwt-svid', 'wit-svid', parseJwtBundle, JwtBundle] as const,
  ['WIT', 'wit-svid', 'jwt-svid', parseWitBundle, WitBundle] as const,
])('%s bundle', (_, use, otherUse, parse, Bundle) => {
  const code = (keys: readonly unknown[], options = {}) => codeOf(() => parse(TD, jwkSet(keys), options));

  it('reads keys of every supported type, in their order', () => {
    const bundle = parse(TD, jwkSet(KINDS.map((kind) => jwkEntry(keyPair(kind).publicKey, { kid: kind }))));
    expect(kids(bundle)).toEqual(KINDS);
    expect(bundle.trustDomain.toString()).toBe('spiffe://example.org');
    expect(bundle.use).toBe(use);
    for (const kind of KINDS) {
      expect(bundle.candidates(kind)[0]?.publicKey.key.equals(keyPair(kind).publicKey)).toBe(true);
    }
  });

  it('reads bytes as it reads text, and wimse trust domains', () => {
    const bundle = parse('wimse://example.org', Buffer.from(jwkSet([ec({ kid: 'a' })])));
    expect(bundle.trustDomain.toString()).toBe('wimse://example.org');
    expect(() => parse('Example.org', jwkSet([]))).toThrow(IdError);
  });

  it('may be empty: then no token has a candidate', () => {
    const bundle = parse(TD, '{"keys":[]}');
    expect(bundle.keys).toEqual([]);
    expect(bundle.candidates(undefined)).toEqual([]);
  });

  it('SPIFFE Trust Domain and Bundle section 4.1.3: ignores unknown types, curves and uses', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey;
    const bundle = parse(
      TD,
      jwkSet([
        { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' },
        { kty: 'oct', k: 'AAAA' },
        jwkEntry(other, { kid: 'curve' }),
        ec({ kid: 'future', use: 'future-svid' }),
        ec({ kid: 'sig', use: 'sig' }),
        ec({ kid: 'case', use: use.toUpperCase() }),
        ec({ kid: 'number', use: 5 }),
        ec({ kid: 'mine', use }),
      ]),
    );
    expect(kids(bundle)).toEqual(['mine']);
    expect(bundle.ignored.map(({ rule, kid }) => [rule, kid])).toEqual([
      ['unsupported_key', undefined],
      ['unsupported_key', undefined],
      ['unsupported_key', 'curve'],
    ]);
  });

  it('threat 9: ignores the keys of another kind of SVID', () => {
    const keys = [ec({ kid: 'a', use: otherUse }), ec({ kid: 'b', use: 'x509-svid' })];
    expect(parse(TD, jwkSet(keys)).keys).toEqual([]);
    expect(parse(TD, jwkSet(keys), { requireUse: true }).keys).toEqual([]);
  });

  it('counts a key without use on the Workload API, and not in a SPIFFE bundle document', () => {
    const keys = [ec({ kid: 'bare' }), ec({ kid: 'marked', use }, 'second')];
    expect(kids(parse(TD, jwkSet(keys)))).toEqual(['bare', 'marked']);
    expect(kids(parse(TD, jwkSet(keys), { requireUse: true }))).toEqual(['marked']);
  });

  it('requires a kid in a SPIFFE bundle document alone', () => {
    const document = parse(TD, jwkSet([ec({ use }), ec({ use, kid: 'b' }, 'second')]), { requireUse: true });
    expect(kids(document)).toEqual(['b']);
    expect(document.ignored.map(({ rule }) => rule)).toEqual(['missing_kid']);
    const bundle = parse(TD, jwkSet([ec(), ec({ kid: 'b' }, 'second')]));
    expect(kids(bundle)).toEqual([undefined, 'b']);
    expect(bundle.candidates('b')).toHaveLength(1);
    expect(bundle.candidates(undefined)).toHaveLength(2);
  });

  it('threat 8: finds a kid byte for byte, and never on a prototype', () => {
    const bundle = parse(TD, jwkSet([ec({ kid: '__proto__' }), ec({ kid: 'Key' }, 'second')]));
    expect(bundle.candidates('__proto__').map(({ kid }) => kid)).toEqual(['__proto__']);
    for (const kid of ['key', 'KEY', ' Key', 'constructor', 'toString', '']) expect(bundle.candidates(kid)).toEqual([]);
  });

  it('threat 8: refuses a bundle with a duplicate kid, also for the same key', () => {
    expect(code([ec({ kid: 'a' }), ec({ kid: 'a' }, 'second')])).toBe('duplicate_kid');
    expect(code([ec({ kid: 'a' }), ec({ kid: 'a' })])).toBe('duplicate_kid');
    expect(code([ec({ kid: 'a', use }), ec({ kid: 'a', use: otherUse }, 'second')])).toBe('accepted');
  });

  it('threat 8: the kid of an ignored key is no duplicate, because no token can mean that key', () => {
    const keys = [ec({ kid: 'a', x: 'AA' }), { kty: 'AKP', kid: 'a', pub: 'AA' }, ec({ kid: 'a' }, 'second')];
    for (const order of [keys, keys.toReversed()]) {
      const bundle = parse(TD, jwkSet(order));
      expect(bundle.candidates('a').map(({ publicKey }) => publicKey.key)).toEqual([
        expect.objectContaining({ type: 'public' }),
      ]);
      expect(bundle.candidates('a')[0]?.publicKey.key.equals(keyPair('P-256', 'second').publicKey)).toBe(true);
      expect(bundle.ignored.map(({ kid }) => kid)).toEqual(['a', 'a']);
    }
    expect(code([...keys, ec({ kid: 'a' })])).toBe('duplicate_kid');
  });

  it.each([
    ['a point off its curve', 'malformed_key', { x: 'A'.repeat(43) }],
    ['a short coordinate', 'malformed_key', { y: 'AA' }],
    ['no coordinate', 'malformed_key', { x: undefined }],
    ['padding in a coordinate', 'malformed_key', { x: `${'A'.repeat(43)}=` }],
    ['no curve', 'malformed_key', { crv: undefined }],
    ['a curve of another key type', 'unsupported_key', { crv: 'Ed25519' }],
    ['an empty kid', 'malformed_key', { kid: '' }],
    ['a kid that is a number', 'malformed_key', { kid: 1 }],
    ['an alg that is a list', 'malformed_key', { alg: ['ES256'] }],
    ['no kty', 'not_a_jwk', { kty: undefined }],
    ['a kty that is a number', 'not_a_jwk', { kty: 1 }],
    ['a short RSA key', 'weak_key', { kty: 'RSA', n: Buffer.alloc(128, 0xff).toString('base64url'), e: 'AQAB' }],
    ['an RSA exponent of 1', 'weak_key', { kty: 'RSA', n: Buffer.alloc(256, 0xff).toString('base64url'), e: 'AQ' }],
    ['an Ed25519 key of small order', 'weak_key', { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }],
  ])('threat 5: RFC 7517 section 5: a key with %s is left out, listed, and harms no other', (_name, rule, members) => {
    const bad = ec({ kid: 'bad', ...members }, 'second');
    const bundle = parse(TD, jwkSet([ec({ kid: 'good' }), bad]));
    expect(kids(bundle)).toEqual(['good']);
    expect(bundle.candidates('bad')).toEqual([]);
    expect(bundle.candidates(undefined)).toHaveLength(1);
    const kid = (bad as { readonly kid: unknown }).kid;
    const listed = { rule, message: expect.stringMatching(/^[a-z].{20}/i), ...(typeof kid === 'string' && { kid }) };
    expect(JSON.parse(JSON.stringify(bundle)).ignored).toEqual([listed]);
    expect(same(bundle, parse(TD, jwkSet([ec({ kid: 'good' })])))).toBe(true);
    expect(JSON.stringify(bundle.toJwks())).not.toContain('bad');
    expect(parse(TD, jwkSet([ec({ kid: 'bad', use: 'future-svid', ...members })])).ignored).toEqual([]);
  });

  it('threat 5: a bundle whose every key is ignored has no candidate for any token', () => {
    const bundle = parse(TD, jwkSet([ec({ kid: 'a', x: 'AA' })]));
    expect([bundle.keys, bundle.candidates('a'), bundle.candidates(undefined)]).toEqual([[], [], []]);
    expect(bundle.ignored).toHaveLength(1);
  });

  it.each([
    ['a private key', { d: 'AAAA' }],
    ['a private key that is malformed too', { d: 'AAAA', x: 'AA' }],
    ['a private key on a curve that is not known', { d: 'AAAA', crv: 'secp256k1' }],
    ['an RSA prime', { kty: 'RSA', n: 'AA', e: 'AA', p: 'AAAA' }],
  ])('threat 4: RFC 7517 section 9.2: %s that was published refuses the whole set', (_name, members) => {
    expect(code([ec({ kid: 'good' }), ec({ kid: 'bad', ...members }, 'second')])).toBe('private_key_member');
    expect(code([ec({ kid: 'bad', use: 'future-svid', ...members })])).toBe('accepted');
  });

  it('refuses what is not a JWK Set', () => {
    for (const text of ['{}', '{"keys":{}}', '{"keys":null}', '{"keys":"x"}']) {
      expect(codeOf(() => parse(TD, text))).toBe('not_a_jwk_set');
    }
    expect(codeOf(() => parse(TD, '{"keys":[5]}'))).toBe('not_a_jwk');
    expect(codeOf(() => parse(TD, '{"keys":[[]]}'))).toBe('not_a_jwk');
    expect(codeOf(() => parse(TD, '[]'))).toBe('not_an_object');
    expect(codeOf(() => parse(TD, ''))).toBe('bad_json');
    expect(codeOf(() => parse(TD, '{"keys":[],"keys":[]}'))).toBe('duplicate_member');
  });

  it('threat 25: refuses documents beyond what a trust domain publishes', () => {
    expect(codeOf(() => parse(TD, ' '.repeat(20_000_000)))).toBe('too_large');
    expect(codeOf(() => parse(TD, `{"keys":${'['.repeat(200_000)}`))).toBe('too_deep');
    expect(codeOf(() => parse(TD, jwkSet(Array(5000).fill(0))))).toBe('too_many_members');
  });

  it('equals a bundle with the same keys in another order, and no other', () => {
    const [a, b] = [ec({ kid: 'a' }), ec({ kid: 'b' }, 'second')];
    const bundle = parse(TD, jwkSet([a, b]));
    expect(same(bundle, parse(TD, jwkSet([b, { ...a, use }])))).toBe(true);
    for (const other of [
      parse(TD, jwkSet([a])),
      parse(TD, jwkSet([])),
      parse(`wimse://${TD}`, jwkSet([a, b])),
      parse(TD, jwkSet([{ ...a, kid: 'c' }, b])),
      parse(TD, jwkSet([{ ...a, alg: 'ES256' }, b])),
      parse(TD, jwkSet([{ ...a, key_ops: ['verify'] }, b])),
      parse(
        TD,
        jwkSet([
          { ...b, kid: 'a' },
          { ...a, kid: 'b' },
        ]),
      ),
    ]) {
      expect(same(bundle, other)).toBe(false);
      expect(same(other, bundle)).toBe(false);
    }
  });

  it('writes a JWK Set without use that it reads back', () => {
    const bundle = parse(TD, jwkSet([ec({ kid: 'a', use, alg: 'ES256', x5c: ['x'] }), ec({}, 'second')]));
    const written = bundle.toJwks();
    expect(written.keys).toEqual([ec({ kid: 'a', alg: 'ES256' }), ec({}, 'second')]);
    expect(same(parse(TD, JSON.stringify(written)), bundle)).toBe(true);
  });

  it('can be built from keys: public, private, as a JWK, or of another bundle', () => {
    const first = new Bundle(TD, [{ kid: 'a', key: keyPair('P-256').privateKey }]);
    const bundle = new Bundle(TD, [
      ...first.keys,
      { kid: 'b', key: keyPair('Ed25519').publicKey },
      { key: jwkEntry(keyPair('RSA').publicKey, { kid: 'c', alg: 'RS256' }) },
      { kid: 'd', key: jwkEntry(keyPair('P-384').publicKey, { kid: 'renamed' }) },
    ]);
    expect(kids(bundle)).toEqual(['a', 'b', 'c', 'd']);
    expect(bundle.candidates('a')[0]?.publicKey.key.type).toBe('public');
    expect(same(parse(TD, JSON.stringify(bundle.toJwks())), bundle)).toBe(true);
    expect(JSON.stringify(bundle.toJwks())).not.toContain('"d":');
  });

  it('cannot be built from keys that it would not read', () => {
    const build = (init: object) => codeOf(() => new Bundle(TD, [init as { key: object }]));
    expect(build({ key: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey })).toBe('weak_key');
    expect(build({ key: generateKeyPairSync('x25519').publicKey })).toBe('unsupported_key');
    expect(build({ key: createSecretKey(Buffer.alloc(32)) })).toBe('unsupported_key');
    expect(build({ key: { kty: 'oct', k: 'AAAA' } })).toBe('unsupported_key');
    expect(build({ key: undefined })).toBe('not_a_jwk');
    expect(() => build({ key: ec({ use: otherUse }) })).toThrow(TypeError);
    expect(() => build({ kid: '', key: keyPair('P-256').publicKey })).toThrow(TypeError);
    const twice = { kid: 'a', key: keyPair('P-256').publicKey };
    expect(codeOf(() => new Bundle(TD, [twice, twice]))).toBe('duplicate_kid');
  });

  it('is immutable', () => {
    const bundle = parse(TD, jwkSet([ec({ kid: 'a' })]));
    for (const part of [
      bundle,
      bundle.keys,
      bundle.ignored,
      parse(TD, jwkSet([ec({ x: 'AA' })])).ignored[0],
      bundle.keys[0],
      bundle.keys[0]?.publicKey,
      bundle.keys[0]?.publicKey.jwk,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('throws nothing but BundleError, and keeps every key that it accepts', () => {
    const member = fc.constantFrom<unknown>('a', 'b', '', 5, null, undefined, use, otherUse, 'EC', 'OKP', 'P-256');
    const entry = fc
      .tuple(
        fc.constantFrom(ec(), jwkEntry(keyPair('Ed25519').publicKey), {}),
        fc.record({ kid: member, use: member, kty: member, crv: member, alg: member }, { requiredKeys: [] }),
      )
      .map(([jwk, members]) => ({ ...jwk, ...members }));
    fc.assert(
      fc.property(fc.array(fc.oneof(entry, fc.jsonValue()), { maxLength: 4 }), fc.boolean(), (keys, requireUse) => {
        try {
          const bundle = parse(TD, jwkSet(keys), { requireUse });
          expect(same(parse(TD, JSON.stringify(bundle.toJwks())), bundle)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BundleError);
        }
      }),
      { numRuns: 150 },
    );
  });
});

it('JWT and WIT bundles are not interchangeable', () => {
  expectTypeOf<JwtBundle>().not.toExtend<WitBundle>();
  expectTypeOf<WitBundle>().not.toExtend<JwtBundle>();
  const [jwt, wit] = [new JwtBundle(TD, []), new WitBundle(TD, [])];
  expect(same(jwt, wit)).toBe(false);
});
