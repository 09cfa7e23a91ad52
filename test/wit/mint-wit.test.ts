import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { BundleSet, WitBundle } from 'svidkit/bundle';
import { spiffeId } from 'svidkit/id';
import { decodeWitUnverified, type JwsAlgorithm, mintWit, verifyWit, type WitClaims } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { publicJwkOf } from '../../src/internal/jwk.js';
import { type KeyKind, keyPair } from '../support/key-pairs.js';
import { rejectionOf } from '../support/rejections.js';
import { confirmation, NOW, SUBJECT } from '../support/wit-domain.js';

const issuer = { key: keyPair('P-256', 'issuer').privateKey, kid: 'k1' };
const key = keyPair('P-256', 'minted').privateKey;
const CLAIMS: WitClaims = { id: SUBJECT, key, ttlSeconds: 3600 };
const ED25519 = keyPair('Ed25519').privateKey;
const KEYS: [JwsAlgorithm, KeyKind][] = [
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
  ['RS256', 'RSA'],
  ['PS256', 'RSA'],
];

describe('minting a WIT', () => {
  it('gives the token that WIT-SVID section 4 asks for', async () => {
    const claims = { ...CLAIMS, id: spiffeId('example.org', 'agents', 'planner'), jti: 'j', claims: { role: ['a'] } };
    const token = await mintWit({ ...claims, issuer: 'urn:issuer' }, issuer, { clock: () => 1_000_999 });
    expect(decodeWitUnverified(token)).toEqual({
      header: { alg: 'ES256', kid: 'k1', typ: 'wit+jwt' },
      claims: {
        cnf: { jwk: { ...publicJwkOf(key), alg: 'ES256' } },
        ...{ exp: 4600, iat: 1000, iss: 'urn:issuer', jti: 'j', role: ['a'], sub: SUBJECT },
      },
    });
  });

  it.each(KEYS)('%s: verifies here and with jose', async (alg, kind) => {
    const { privateKey } = keyPair(kind);
    const token = await mintWit({ ...CLAIMS, alg: 'ES256' }, { key: privateKey, alg, kid: 'k1' });
    const bundle = new WitBundle('example.org', [{ kid: 'k1', key: privateKey }]);
    expect((await verifyWit(token, new BundleSet([bundle]))).trustDomain.name).toBe('example.org');
    const jwks = { keys: [...bundle.toJwks().keys] } as Parameters<typeof createLocalJWKSet>[0];
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), { typ: 'wit+jwt', algorithms: [alg] });
    expect(payload.sub).toBe(SUBJECT);
  });

  it.each(KEYS)('%s: what jose mints verifies here', async (alg, kind) => {
    const { privateKey } = keyPair(kind);
    const token = await new SignJWT({ cnf: confirmation(key, 'ES256') })
      .setProtectedHeader({ alg, kid: 'k1', typ: 'wit+jwt' })
      .setSubject(SUBJECT)
      .setExpirationTime('1h')
      .sign(privateKey);
    const bundle = new WitBundle('example.org', [{ kid: 'k1', key: privateKey }]);
    expect((await verifyWit(token, new BundleSet([bundle]))).alg).toBe('ES256');
  });

  it('takes the wimse profile for a wimse identifier, or when asked to', async () => {
    const wimse = await mintWit({ ...CLAIMS, id: 'wimse://example.org/w', key: ED25519 }, { key: ED25519 });
    expect(decodeWitUnverified(wimse).header).toEqual({ alg: 'EdDSA', typ: 'wit+jwt' });
    const wider = { ...CLAIMS, key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey };
    const spiffe = await mintWit(wider, { key: ED25519 }, { profile: 'wimse' });
    expect(decodeWitUnverified(spiffe).claims['sub']).toBe(SUBJECT);
    const source = new BundleSet([new WitBundle('example.org', [{ key: ED25519 }])]);
    expect(await rejectionOf(verifyWit(spiffe, source, { profiles: ['wimse'] }))).toBe('accepted');
  });

  it('threat 47: no private member reaches cnf', async () => {
    for (const { privateKey } of [keyPair('P-256', 'a'), keyPair('RSA', 'a')]) {
      const token = await mintWit({ ...CLAIMS, key: privateKey }, issuer);
      const { jwk } = decodeWitUnverified(token).claims['cnf'] as { jwk: object };
      expect(Object.keys(jwk).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name))).toEqual([]);
      const { jwk: fromPublic } = decodeWitUnverified(
        await mintWit({ ...CLAIMS, key: createPublicKey(privateKey) }, issuer),
      ).claims['cnf'] as { jwk: object };
      expect(jwk).toEqual(fromPublic);
    }
  });

  it.each([
    ['unsupported_alg', CLAIMS, { key: ED25519, kid: 'k1' }, {}],
    ['unsupported_cnf_alg', { ...CLAIMS, key: keyPair('Ed25519', 'b').publicKey }, issuer, {}],
    ['unsupported_cnf_alg', { ...CLAIMS, alg: 'HS256' as JwsAlgorithm }, issuer, {}],
    ['cnf_alg_mismatch', { ...CLAIMS, alg: 'ES384' as const }, issuer, {}],
    ['missing_kid', CLAIMS, { key: issuer.key }, {}],
    ['bad_sub', { ...CLAIMS, id: 'spiffe://example.org' }, issuer, {}],
    ['wrong_scheme', { ...CLAIMS, id: 'SPIFFE://example.org/x' }, issuer, {}],
    ['bad_trust_domain', { ...CLAIMS, id: 'spiffe://Example.org/x' }, issuer, {}],
    ['bad_sub', { ...CLAIMS, id: 'wimse://example.org/x' }, issuer, { profile: 'spiffe' as const }],
    ['bad_iss', { ...CLAIMS, issuer: 'https://issuer.example' }, issuer, {}],
    ['bad_iss', { ...CLAIMS, issuer: 5 as unknown as string }, issuer, {}],
    ['aud_present', { ...CLAIMS, claims: { aud: [] } }, issuer, {}],
    ['aud_present', { ...CLAIMS, claims: { aud: 'x' } }, issuer, { profile: 'wimse' as const }],
    ['bad_nbf', { ...CLAIMS, claims: { nbf: 1.5 } }, issuer, {}],
    ['bad_exp', { ...CLAIMS, ttlSeconds: 8_640_000_000_000 }, issuer, {}],
  ] as const)('threat 47: %s, as a verifier would say', async (code, claims, signing, options) => {
    expect(await rejectionOf(mintWit(claims, signing, options))).toBe(code);
  });

  it('threat 47: bad_nbf for what would never be valid', async () => {
    const mint = (nbf: number) =>
      rejectionOf(mintWit({ ...CLAIMS, ttlSeconds: 60, claims: { nbf } }, issuer, { clock: () => NOW * 1000 }));
    const outcomes = await Promise.all([NOW + 59, NOW + 60, NOW + 100_000].map(mint));
    expect(outcomes).toEqual(['accepted', 'bad_nbf', 'bad_nbf']);
  });

  it('threat 47: a key of one workload is not put into the WIT of another', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const imported = createPublicKey({ key: publicKey.export({ format: 'jwk' }), format: 'jwk' });
    const mint = (claims: Partial<WitClaims>, now = NOW) =>
      rejectionOf(mintWit({ ...CLAIMS, ttlSeconds: 60, ...claims }, issuer, { clock: () => now * 1000 }));
    for (const key of [privateKey, publicKey, imported]) expect(await mint({ key })).toBe('accepted');
    expect(await mint({ key: privateKey, ttlSeconds: 30 })).toBe('accepted');
    for (const key of [privateKey, publicKey, imported]) {
      expect(await mint({ key, id: `${SUBJECT}2` })).toBe('key_mismatch');
      expect(await mint({ key, id: `${SUBJECT}2` }, NOW + 59)).toBe('key_mismatch');
    }
    expect(await mint({ key: publicKey, id: `${SUBJECT}2` }, NOW + 60)).toBe('accepted');
    expect(await mint({ key: privateKey }, NOW + 60)).toBe('key_mismatch');
  });

  it('threat 47: remembers the keys of valid tokens, however many there are, and no others', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const mint = (key: KeyObject, id: string, now: number) =>
      rejectionOf(mintWit({ ...CLAIMS, key, id, ttlSeconds: 60 }, issuer, { clock: () => now * 1000 }));
    expect(await mint(publicKey, SUBJECT, NOW)).toBe('accepted');
    for (let count = 0; count < 1100; count += 1) {
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
      expect(await mint(other, `${SUBJECT}${count}`, NOW + 1)).toBe('accepted');
    }
    expect(await mint(publicKey, `${SUBJECT}2`, NOW + 59)).toBe('key_mismatch');
  });

  it('threat 47: misuse is a TypeError', async () => {
    for (const name of ['sub', 'cnf', 'exp', 'iat', 'iss', 'jti']) {
      await expect(mintWit({ ...CLAIMS, claims: { [name]: 'x' } }, issuer)).rejects.toThrow(TypeError);
    }
    for (const ttlSeconds of [0, -1, 0.5, Number.NaN]) {
      await expect(mintWit({ ...CLAIMS, ttlSeconds }, issuer)).rejects.toThrow(TypeError);
    }
    await expect(mintWit(CLAIMS, { key: createPublicKey(issuer.key), kid: 'k1' })).rejects.toThrow(TypeError);
    const long = { ...CLAIMS, claims: { filler: 'x'.repeat(7500) } };
    await expect(mintWit(long, issuer)).rejects.toThrow(TypeError);
  });
});
