import { createPublicKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto';
import fc from 'fast-check';
import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import { publicJwkOf, readPrivateJwk, readPublicJwk, readPublicKey, thumbprintOf } from '../../src/internal/jwk.js';
import { decodeLeniently, encode, FIELD_PRIME, hasSmallOrder, smallOrderYs } from '../support/edwards25519.js';
import { type KeyKind, keyPair } from '../support/key-pairs.js';
import { ruleOf } from '../support/refusals.js';

const KINDS: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'];
const SIZES = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const;
const CURVES = Object.keys(SIZES) as (keyof typeof SIZES)[];
const PRIMES = {
  'P-256': 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
  'P-384': 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
  'P-521': 2n ** 521n - 1n,
};

const publicJwk = (kind: KeyKind, name?: string): JsonWebKey => keyPair(kind, name).publicKey.export({ format: 'jwk' });
const privateJwk = (kind: KeyKind, name?: string): JsonWebKey =>
  keyPair(kind, name).privateKey.export({ format: 'jwk' });
const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const unsigned = (n: bigint, size: number): string => b64(Buffer.from(n.toString(16).padStart(size * 2, '0'), 'hex'));
const rule = (jwk: unknown): string => ruleOf(() => readPublicJwk(jwk));
const nodeTakes = (jwk: JsonWebKey): boolean => {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' }).type === 'public';
  } catch {
    return false;
  }
};

/** A modulus of exactly so many bits: odd, and nobody asks for its factors. */
const modulus = (bits: number, last = 0x01): string => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xa5);
  bytes[0] = 1 << ((bits - 1) % 8);
  bytes[bytes.length - 1] = last;
  return b64(bytes);
};

describe('public JWK', () => {
  it.each(KINDS)('reads a %s key as node:crypto and jose write it', async (kind) => {
    const jwk = publicJwk(kind);
    const key = readPublicJwk({ ...jwk, alg: 'X', kid: 'k', use: 'u', key_ops: ['verify'], x5c: ['a'], ext: true });
    expect(key.key.equals(keyPair(kind).publicKey)).toBe(true);
    expect(key.jwk).toEqual({ ...jwk, alg: 'X', kid: 'k', use: 'u', key_ops: ['verify'] });
    expect([key.alg, key.kid, key.use, key.keyOps]).toEqual(['X', 'k', 'u', ['verify']]);
    expect(key.thumbprint).toBe(await jose.calculateJwkThumbprint(jwk as jose.JWK));
    expect(readPublicJwk(key.jwk).thumbprint).toBe(key.thumbprint);
    expect(Object.isFrozen(key) && Object.isFrozen(key.jwk) && Object.isFrozen(key.keyOps)).toBe(true);
  });

  it.each(KINDS)('describes the KeyObject of a %s key, private or public', (kind) => {
    const { publicKey, privateKey } = keyPair(kind);
    expect(publicJwkOf(privateKey)).toEqual(publicJwk(kind));
    expect(thumbprintOf(privateKey)).toBe(readPublicJwk(publicJwk(kind)).thumbprint);
    expect(readPublicKey(publicKey).key).toBe(publicKey);
    expect(readPublicKey(privateKey).key.type).toBe('public');
    expect('alg' in readPublicKey(publicKey)).toBe(false);
  });

  it('RFC 7638 section 3.1: has the published thumbprint', () => {
    const key = readPublicJwk({
      kty: 'RSA',
      n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
      e: 'AQAB',
      alg: 'RS256',
      kid: '2011-04-29',
    });
    expect(key.thumbprint).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });

  it('RFC 8037 appendix A: has the published thumbprint and signature', () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
    const { key, public: half } = readPrivateJwk({ ...jwk, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' });
    expect(half.thumbprint).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    expect(readPublicJwk(jwk).thumbprint).toBe(half.thumbprint);
    const input = Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc');
    const published = 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg';
    expect(b64(sign(null, input, key))).toBe(published);
  });

  it('threat 4: refuses private and symmetric members, wherever they are', () => {
    for (const kind of KINDS) expect(rule(privateJwk(kind))).toBe('private_key_member');
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']) {
      expect(rule({ ...publicJwk('P-256'), [name]: '' })).toBe('private_key_member');
      expect(rule({ ...publicJwk('P-256'), [name]: undefined })).toBe('private_key_member');
    }
    expect(rule({ kty: 'oct', k: b64(Buffer.alloc(32)) })).toBe('unsupported_key');
  });

  it('threat 4: refuses what is not one JWK', () => {
    for (const value of [
      undefined,
      null,
      'x',
      1,
      [publicJwk('P-256')],
      {},
      { kty: 1 },
      { kty: ['EC'] },
      { jku: 'x' },
    ]) {
      expect(rule(value)).toBe('not_a_jwk');
    }
    expect(rule(Object.create(publicJwk('P-256')))).toBe('not_a_jwk');
    expect(rule({ kty: 'EC', jku: 'https://example.org' })).toBe('malformed_key');
  });

  it('threat 5: refuses key types and curves that no profile needs', () => {
    const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey;
    const x25519 = generateKeyPairSync('x25519').publicKey;
    const ed448 = generateKeyPairSync('ed448').publicKey;
    for (const key of [secp256k1, x25519, ed448]) {
      expect(rule(key.export({ format: 'jwk' }))).toBe('unsupported_key');
      expect(ruleOf(() => readPublicKey(key))).toBe('unsupported_key');
    }
    const p224 = generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).publicKey;
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey;
    for (const key of [p224, pss]) expect(ruleOf(() => readPublicKey(key))).toBe('unsupported_key');
    expect(rule({ ...publicJwk('P-256'), kty: 'ec' })).toBe('unsupported_key');
    expect(rule({ ...publicJwk('P-256'), crv: 'p-256' })).toBe('unsupported_key');
    expect(rule({ ...publicJwk('P-256'), kty: 'OKP' })).toBe('unsupported_key');
    expect(rule({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' })).toBe('unsupported_key');
  });

  it.each(CURVES)('threat 5: refuses %s coordinates of another length, which node:crypto takes', (crv) => {
    const jwk = publicJwk(crv);
    const x = Buffer.from(jwk.x ?? '', 'base64url');
    const long = { ...jwk, x: b64(Buffer.concat([Buffer.alloc(1), x])) };
    expect(nodeTakes(long)).toBe(true);
    expect(rule(long)).toBe('malformed_key');
    expect(rule({ ...jwk, x: b64(x.subarray(1)) })).toBe('malformed_key');
    expect(rule({ ...jwk, y: '' })).toBe('malformed_key');
    expect(rule({ ...jwk, y: undefined })).toBe('malformed_key');
    expect(rule({ ...jwk, y: 5 })).toBe('malformed_key');
    expect(rule({ ...jwk, x: 'A'.repeat(1_000_000) })).toBe('malformed_key');
    expect(rule({ ...jwk, x: `${jwk.x}=` })).toBe('malformed_key');
    expect(rule({ ...jwk, x: `${jwk.x?.slice(0, -1)}+` })).toBe('malformed_key');
  });

  it.each(CURVES)('threat 5: refuses a point off %s, and coordinates of the field prime or more', (crv) => {
    const size = SIZES[crv];
    const [jwk, p] = [publicJwk(crv), PRIMES[crv]];
    const x = BigInt(`0x${Buffer.from(jwk.x ?? '', 'base64url').toString('hex')}`);
    const y = BigInt(`0x${Buffer.from(jwk.y ?? '', 'base64url').toString('hex')}`);
    expect(rule({ ...jwk, x: unsigned(x, size), y: unsigned(p - y, size) })).toBe('accepted');
    expect(rule({ ...jwk, y: unsigned(y ^ 1n, size) })).toBe('malformed_key');
    expect(rule({ ...jwk, x: jwk.y, y: jwk.x })).toBe('malformed_key');
    expect(rule({ ...jwk, x: unsigned(0n, size), y: unsigned(0n, size) })).toBe('malformed_key');
    expect(rule({ ...jwk, x: unsigned(p, size) })).toBe('malformed_key');
    expect(rule({ ...jwk, y: unsigned(p, size) })).toBe('malformed_key');
    if (crv === 'P-521') expect(rule({ ...jwk, x: unsigned(x + p, size) })).toBe('malformed_key');
  });

  it('threat 5: refuses points of another curve of the same length', () => {
    const { x, y } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' });
    expect(rule({ kty: 'EC', crv: 'P-256', x, y })).toBe('malformed_key');
  });

  it('threat 5: refuses RSA keys that are weak or costly, most of which node:crypto takes', () => {
    const rsa = (n: string, e = 'AQAB') => ({ kty: 'RSA', n, e });
    expect(rule(rsa(modulus(2048)))).toBe('accepted');
    expect(rule(rsa(modulus(8192)))).toBe('accepted');
    expect(rule(rsa(modulus(3071)))).toBe('accepted');
    expect(rule(rsa(modulus(2048), 'Aw'))).toBe('accepted');
    expect(rule(rsa(modulus(2048), '_____w'))).toBe('accepted');
    for (const weak of [
      rsa(modulus(512)),
      rsa(modulus(1024)),
      rsa(modulus(2047)),
      rsa(modulus(8193)),
      rsa('AQ'),
      rsa(modulus(2048, 0x02)),
      rsa(modulus(2048), 'AQ'),
      rsa(modulus(2048), 'Ag'),
      rsa(modulus(2048), 'AQAA'),
    ]) {
      expect(rule(weak)).toBe('weak_key');
    }
    expect(nodeTakes(rsa(modulus(512))) && nodeTakes(rsa(modulus(2048), 'AQ'))).toBe(true);
  });

  it('threat 5: refuses RSA integers in another spelling, and long before they are decoded', () => {
    const n = Buffer.from(modulus(2048), 'base64url');
    for (const jwk of [
      { kty: 'RSA', n: b64(Buffer.concat([Buffer.alloc(1), n])), e: 'AQAB' },
      { kty: 'RSA', n: b64(n), e: 'AAEAAQ' },
      { kty: 'RSA', n: b64(n), e: 'AQABAAE' },
      { kty: 'RSA', n: b64(n), e: 'AA' },
      { kty: 'RSA', n: b64(n), e: 65537 },
      { kty: 'RSA', n: b64(n) },
      { kty: 'RSA', e: 'AQAB' },
      { kty: 'RSA', n: 'A'.repeat(20_000_000), e: 'AQAB' },
      { kty: 'RSA', n: `${b64(n)}==`, e: 'AQAB' },
    ]) {
      expect(rule(jwk)).toBe('malformed_key');
    }
  });

  it('threat 5: refuses every Ed25519 point of small order, in every encoding', () => {
    const ys = smallOrderYs();
    expect(new Set(ys).size).toBe(5);
    const spellings = [...ys, FIELD_PRIME, FIELD_PRIME + 1n].flatMap((y) => [encode(y, 0), encode(y, 1)]);
    for (const bytes of spellings) {
      const point = decodeLeniently(bytes);
      expect(point !== undefined && hasSmallOrder(point)).toBe(true);
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: b64(bytes) };
      expect(nodeTakes(jwk)).toBe(true);
      expect(rule(jwk)).toBe('weak_key');
    }
    const honest = decodeLeniently(Buffer.from(publicJwk('Ed25519').x ?? '', 'base64url'));
    expect(honest !== undefined && hasSmallOrder(honest)).toBe(false);
  });

  it('threat 5: refuses an Ed25519 y that is not reduced', () => {
    for (let above = 0n; above < 19n; above += 1n) {
      for (const sign of [0, 1] as const) {
        expect(rule({ kty: 'OKP', crv: 'Ed25519', x: b64(encode(FIELD_PRIME + above, sign)) })).toBe('weak_key');
      }
    }
    expect(rule({ kty: 'OKP', crv: 'Ed25519', x: b64(encode(FIELD_PRIME - 2n, 0)) })).toBe('accepted');
  });

  it('threat 22: refuses a key of small order also as a KeyObject, where one signature may fit every message', () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: b64(encode(1n, 0)) };
    expect(ruleOf(() => readPublicKey(createPublicKey({ key: jwk, format: 'jwk' })))).toBe('weak_key');
  });

  it('threat 5: refuses Ed25519 keys of another length', () => {
    const x = Buffer.from(publicJwk('Ed25519').x ?? '', 'base64url');
    for (const bytes of [x.subarray(1), Buffer.concat([x, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      expect(rule({ kty: 'OKP', crv: 'Ed25519', x: b64(bytes) })).toBe('malformed_key');
    }
  });

  it('refuses descriptive members of the wrong type', () => {
    for (const members of [
      { alg: 1 },
      { kid: '' },
      { kid: 5 },
      { use: null },
      { key_ops: 'verify' },
      { key_ops: [1] },
    ]) {
      expect(rule({ ...publicJwk('P-256'), ...members })).toBe('malformed_key');
    }
  });

  it('throws nothing but its own refusals, and accepts nothing that it would write otherwise', () => {
    const coordinate = fc.oneof(
      fc.constantFrom(publicJwk('P-256').x, publicJwk('P-256').y, publicJwk('Ed25519').x, modulus(2048), 'AQAB', ''),
      fc.uint8Array({ minLength: 30, maxLength: 34 }).map(b64),
      fc.anything(),
    );
    const candidate = fc.record(
      {
        kty: fc.constantFrom('EC', 'OKP', 'RSA', 'oct', 5),
        crv: fc.constantFrom('P-256', 'Ed25519', 'P-521', '__proto__', 5),
        ...{ x: coordinate, y: coordinate, n: coordinate, e: coordinate, kid: fc.anything(), alg: fc.anything() },
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(candidate, (jwk) => {
        ruleOf(() => {
          const { jwk: written, thumbprint, key } = readPublicJwk(jwk);
          expect(jwk).toMatchObject(written);
          expect(thumbprintOf(key)).toBe(thumbprint);
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('private JWK', () => {
  it.each(KINDS)('reads a %s key', (kind) => {
    const { key, public: half } = readPrivateJwk({ ...privateJwk(kind), alg: 'X', kid: 'k' });
    expect(key.equals(keyPair(kind).privateKey)).toBe(true);
    expect(half.jwk).toEqual({ ...publicJwk(kind), alg: 'X', kid: 'k' });
  });

  it.each(KINDS)('refuses a %s key that does not belong to its public members', (kind) => {
    const mixed = { ...privateJwk(kind, 'other'), ...publicJwk(kind) };
    expect(['key_mismatch', 'malformed_key']).toContain(ruleOf(() => readPrivateJwk(mixed)));
  });

  it('refuses private members that are missing, misspelt, too long or too many', () => {
    for (const kind of KINDS) {
      const jwk = privateJwk(kind);
      expect(ruleOf(() => readPrivateJwk(publicJwk(kind)))).toBe('malformed_key');
      expect(ruleOf(() => readPrivateJwk({ ...jwk, d: `${jwk.d}=` }))).toBe('malformed_key');
      expect(ruleOf(() => readPrivateJwk({ ...jwk, d: 'A'.repeat(20_000_000) }))).toBe('malformed_key');
    }
    expect(ruleOf(() => readPrivateJwk({ ...privateJwk('P-256'), d: b64(Buffer.alloc(31, 1)) }))).toBe('malformed_key');
    expect(ruleOf(() => readPrivateJwk({ ...privateJwk('P-256'), d: b64(Buffer.alloc(32)) }))).not.toBe('accepted');
    expect(ruleOf(() => readPrivateJwk({ ...privateJwk('P-256'), d: b64(Buffer.alloc(32, 0xff)) }))).not.toBe(
      'accepted',
    );
    expect(ruleOf(() => readPrivateJwk({ ...privateJwk('RSA'), qi: undefined }))).toBe('malformed_key');
    expect(ruleOf(() => readPrivateJwk({ ...privateJwk('RSA'), oth: [] }))).toBe('unsupported_key');
    expect(ruleOf(() => readPrivateJwk({ ...privateJwk('RSA'), n: modulus(1024) }))).toBe('weak_key');
  });

  it('never shows the key in a message or a cause', () => {
    const jwk = privateJwk('P-256');
    for (const bad of [
      { ...jwk, d: `${jwk.d}=` },
      { ...jwk, d: b64(Buffer.alloc(32, 0xff)) },
      { ...jwk, y: jwk.x },
    ]) {
      try {
        readPrivateJwk(bad);
        expect.unreachable();
      } catch (error) {
        const shown = `${error} ${(error as Error).cause}`;
        expect(shown).not.toContain(String(jwk.d));
        expect(shown).not.toContain('_____');
      }
    }
  });
});
