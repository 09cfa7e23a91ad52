import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import { inspect } from 'node:util';
import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import { readCompactJws } from '../../src/internal/compact-jws.js';
import { ASYMMETRIC_ALGORITHMS, type JwsAlgorithm } from '../../src/internal/jws-algorithm.js';
import { type Signer, signCompact, toSigner } from '../../src/internal/signing-key.js';
import { type KeyKind, KIND_OF, keyPair } from '../support/key-pairs.js';

const { subtle } = webcrypto;
const HEADER = { typ: 'wit+jwt', kid: 'a' };
const PAYLOAD = { sub: 'spiffe://example.org/a' };

function cryptoKey(kind: KeyKind, algorithm: object, usages: webcrypto.KeyUsage[] = ['sign'], extractable = true) {
  const pkcs8 = keyPair(kind).privateKey.export({ format: 'der', type: 'pkcs8' });
  return subtle.importKey('pkcs8', pkcs8, algorithm as webcrypto.EcKeyImportParams, extractable, usages);
}

/** A pair as `generateKey` gives it, the private half not to be exported. */
async function cryptoKeyPair(kind: KeyKind, algorithm: object): Promise<webcrypto.CryptoKeyPair> {
  const spki = keyPair(kind).publicKey.export({ format: 'der', type: 'spki' });
  const publicKey = await subtle.importKey('spki', spki, algorithm as webcrypto.EcKeyImportParams, true, ['verify']);
  return { publicKey, privateKey: await cryptoKey(kind, algorithm, ['sign'], false) };
}

describe('signing keys', () => {
  it('choose the algorithm by the key', () => {
    expect(toSigner(keyPair('P-256').privateKey).alg).toBe('ES256');
    expect(toSigner(keyPair('P-384').privateKey).alg).toBe('ES384');
    expect(toSigner(keyPair('P-521').privateKey).alg).toBe('ES512');
    expect(toSigner(keyPair('Ed25519').privateKey).alg).toBe('EdDSA');
    expect(toSigner(keyPair('RSA').privateKey).alg).toBe('RS256');
    expect(toSigner(keyPair('Ed25519').privateKey, 'Ed25519').alg).toBe('Ed25519');
    expect(toSigner(keyPair('RSA').privateKey, 'PS512').alg).toBe('PS512');
  });

  it.each([...ASYMMETRIC_ALGORITHMS])('%s: sign a token that jose verifies', async (alg) => {
    const { privateKey, publicKey } = keyPair(KIND_OF[alg]);
    const token = await signCompact(HEADER, PAYLOAD, toSigner(privateKey, alg));
    const { payload, protectedHeader } = await jose.jwtVerify(token, publicKey, { algorithms: [alg] });
    expect(protectedHeader).toEqual({ ...HEADER, alg });
    expect(payload).toEqual(PAYLOAD);
  });

  it.each<[KeyKind, object, JwsAlgorithm]>([
    ['P-256', { name: 'ECDSA', namedCurve: 'P-256' }, 'ES256'],
    ['Ed25519', { name: 'Ed25519' }, 'EdDSA'],
    ['RSA', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' }, 'RS384'],
    ['RSA', { name: 'RSA-PSS', hash: 'SHA-512' }, 'PS512'],
    ['P-521', { name: 'ECDSA', namedCurve: 'P-521' }, 'ES512'],
  ])('may be a CryptoKey, or the pair of one that nobody can export: %s %j', async (kind, algorithm, alg) => {
    for (const key of [await cryptoKey(kind, algorithm), await cryptoKeyPair(kind, algorithm)]) {
      const signer = toSigner(key);
      expect(signer.alg).toBe(alg);
      const token = await signCompact({}, PAYLOAD, signer);
      await expect(jose.jwtVerify(token, keyPair(kind).publicKey, { algorithms: [alg] })).resolves.toBeDefined();
      expect(inspect(signer, { depth: Infinity, showHidden: true })).not.toContain('private');
    }
  });

  it('may not be a CryptoKey that nobody can export without its public half, or with another', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const alone = await cryptoKey('P-256', algorithm, ['sign'], false);
    expect(() => toSigner(alone)).toThrow(/must be given as its key pair/);
    const pair = await cryptoKeyPair('P-256', algorithm);
    expect(() => toSigner(pair, 'ES384')).toThrow(TypeError);
    expect(() => toSigner({ ...pair, privateKey: pair.publicKey })).toThrow(TypeError);
    expect(() => toSigner({ ...pair, publicKey: alone })).toThrow(TypeError);
    const stranger = await subtle.generateKey(algorithm as webcrypto.EcKeyGenParams, false, ['sign', 'verify']);
    const mixed = { privateKey: pair.privateKey, publicKey: (stranger as webcrypto.CryptoKeyPair).publicKey };
    await expect(signCompact(HEADER, PAYLOAD, toSigner(mixed))).rejects.toThrow(/does not verify/);
  });

  it('may not be a CryptoKey for another padding, hash or use', async () => {
    const pss = await cryptoKey('RSA', { name: 'RSA-PSS', hash: 'SHA-256' });
    expect(() => toSigner(pss, 'RS256')).toThrow(/made for PS256/);
    const sha1 = await cryptoKey('RSA', { name: 'RSA-PSS', hash: 'SHA-1' });
    expect(() => toSigner(sha1)).toThrow(/hash that is not supported/);
    const ecdh = await cryptoKey('P-256', { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits']);
    expect(() => toSigner(ecdh)).toThrow(/made for signing/);
    const spki = keyPair('P-256').publicKey.export({ format: 'der', type: 'spki' });
    const half = await subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']);
    expect(() => toSigner(half)).toThrow(TypeError);
  });

  it('may sign elsewhere', async () => {
    const { privateKey, publicKey } = keyPair('P-256');
    const remote: Signer = {
      alg: 'ES256',
      publicKey,
      sign: async (input) => sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    };
    expect(toSigner(remote)).toBe(remote);
    expect(toSigner(remote, 'ES256')).toBe(remote);
    await expect(jose.jwtVerify(await signCompact(HEADER, PAYLOAD, remote), publicKey)).resolves.toBeDefined();
    expect(() => toSigner(remote, 'ES384')).toThrow(TypeError);
  });

  it('that sign elsewhere and give DER, or another key, are found out before a token leaves', async () => {
    const { privateKey, publicKey } = keyPair('P-256');
    const der: Signer = { alg: 'ES256', publicKey, sign: (input) => sign('sha256', input, privateKey) };
    await expect(signCompact(HEADER, PAYLOAD, toSigner(der))).rejects.toThrow(TypeError);
    const stranger = toSigner(keyPair('P-256', 'other').privateKey);
    const other: Signer = { alg: 'ES256', publicKey, sign: (input) => stranger.sign(input) };
    await expect(signCompact(HEADER, PAYLOAD, toSigner(other))).rejects.toThrow(/does not verify/);
  });

  it('that do not fit are misuse', () => {
    const { privateKey, publicKey } = keyPair('P-256');
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
    const signer = { alg: 'ES256', publicKey, sign: () => new Uint8Array(64) };
    const wrong: unknown[][] = [
      [publicKey],
      [privateKey, 'ES384'],
      [privateKey, 'RS256'],
      [privateKey, 'none'],
      [weak],
      [curve],
      [undefined],
      [null],
      ['key'],
      [{}],
      [{ ...signer, alg: 'HS256' }],
      [{ ...signer, alg: 'ES384' }],
      [{ ...signer, publicKey: privateKey }],
      [{ ...signer, publicKey: publicKey.export({ format: 'jwk' }) }],
      [{ ...signer, sign: undefined }],
    ];
    for (const args of wrong) expect(() => Reflect.apply(toSigner, undefined, args)).toThrow(TypeError);
  });

  it('threat 47: put their own alg into the header and sign nothing that a reader refuses', async () => {
    const signer = toSigner(keyPair('P-256').privateKey);
    const token = await signCompact({ alg: 'none' }, PAYLOAD, signer);
    expect(readCompactJws(token).alg).toBe('ES256');
    for (const [header, payload] of [
      [{ crit: ['x'] }, PAYLOAD],
      [HEADER, { id: 2 ** 60 }],
      [HEADER, { text: '\ud800' }],
      [HEADER, { long: 'x'.repeat(9000) }],
      [HEADER, []],
    ] as const) {
      await expect(signCompact(header, payload, signer)).rejects.toThrow(/a verifier would refuse this token/);
    }
  });

  it('do not come out', () => {
    const { privateKey } = keyPair('P-256');
    const signer = toSigner(privateKey);
    const d = String(privateKey.export({ format: 'jwk' }).d);
    expect(Object.values(signer)).not.toContain(privateKey);
    expect(inspect(signer, { depth: Infinity, showHidden: true })).not.toContain('PrivateKeyObject');
    expect(JSON.stringify(signer)).not.toContain(d);
  });
});
