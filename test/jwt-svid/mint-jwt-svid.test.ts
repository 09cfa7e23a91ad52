import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { BundleSet, JwtBundle } from 'svidkit/bundle';
import { parseSpiffeId } from 'svidkit/id';
import { type JwsAlgorithm, type JwtSvidClaims, mintJwtSvid, verifyJwtSvid } from 'svidkit/jwt-svid';
import { describe, expect, it } from 'vitest';
import { type KeyKind, keyPair } from '../support/key-pairs.js';
import { rejectionOf } from '../support/rejections.js';

const KEYS: [JwsAlgorithm, KeyKind][] = [
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
  ['RS256', 'RSA'],
  ['PS512', 'RSA'],
];
const CLAIMS: JwtSvidClaims = { id: 'spiffe://example.org/planner', audience: 'reports', ttlSeconds: 300 };
const key = { key: keyPair('P-256').privateKey, kid: 'k1' };
const bundle = new JwtBundle('example.org', [key]);
const bundles = new BundleSet([bundle]);

describe('minting a JWT-SVID', () => {
  it('gives a token that verifies, with the claims asked for', async () => {
    const token = await mintJwtSvid({ ...CLAIMS, claims: { jti: 'x', role: ['a'] } }, key, { clock: () => 1_000_999 });
    const verified = await verifyJwtSvid(token, bundles, { audience: 'reports', clock: () => 1_000_999 });
    expect(verified.claims).toEqual({
      ...{ aud: ['reports'], exp: 1300, iat: 1000, jti: 'x', role: ['a'] },
      sub: 'spiffe://example.org/planner',
    });
    const [header = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'ES256', kid: 'k1', typ: 'JWT' });
  });

  it.each(KEYS)('%s: jose verifies what is minted here', async (alg, kind) => {
    const signing = { key: keyPair(kind).privateKey, alg, kid: 'k1' };
    const token = await mintJwtSvid({ ...CLAIMS, id: parseSpiffeId(CLAIMS.id) }, signing);
    const jwks = { keys: [...new JwtBundle('example.org', [signing]).toJwks().keys] } as Parameters<
      typeof createLocalJWKSet
    >[0];
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), { audience: 'reports', typ: 'JWT' });
    expect(payload.sub).toBe('spiffe://example.org/planner');
  });

  it.each(KEYS)('%s: what jose mints verifies here', async (alg, kind) => {
    const { privateKey } = keyPair(kind);
    const token = await new SignJWT({})
      .setProtectedHeader({ alg, kid: 'k1', typ: 'JWT' })
      .setSubject('spiffe://example.org/planner')
      .setAudience('reports')
      .setExpirationTime('5m')
      .sign(privateKey);
    const source = new BundleSet([new JwtBundle('example.org', [{ key: privateKey, kid: 'k1' }])]);
    expect((await verifyJwtSvid(token, source, { audience: 'reports' })).id.path).toBe('/planner');
  });

  it.each([
    ['unsupported_alg', CLAIMS, { key: keyPair('Ed25519').privateKey, kid: 'k1' }],
    ['bad_sub', { ...CLAIMS, id: 'spiffe://example.org' }, key],
    ['bad_sub', { ...CLAIMS, id: 'spiffe://example.org/Plan%6Eer' }, key],
    ['bad_sub', { ...CLAIMS, id: 'wimse://example.org/planner' }, key],
    ['bad_aud', { ...CLAIMS, audience: [] }, key],
    ['bad_aud', { ...CLAIMS, audience: '' }, key],
    ['bad_nbf', { ...CLAIMS, claims: { nbf: 'soon' } }, key],
    ['bad_exp', { ...CLAIMS, ttlSeconds: 8_640_000_000_000 }, key],
    ['forbidden_member', { ...CLAIMS, claims: JSON.parse('{"__proto__":{"a":1}}') }, key],
  ] as const)('threat 47: %s, as a verifier would say', async (code, claims, signing) => {
    expect(await rejectionOf(mintJwtSvid(claims, signing))).toBe(code);
  });

  it('threat 47: bad_nbf for what would never be valid', async () => {
    const mint = (nbf: number) => mintJwtSvid({ ...CLAIMS, claims: { nbf } }, key, { clock: () => 1_000_000 });
    expect(await rejectionOf(mint(1300))).toBe('bad_nbf');
    expect(await rejectionOf(mint(100_000))).toBe('bad_nbf');
    const token = await mint(1299);
    const verify = (seconds: number) =>
      rejectionOf(
        verifyJwtSvid(token, bundles, { audience: 'reports', clock: () => seconds * 1000, leewaySeconds: 0 }),
      );
    expect([await verify(1298), await verify(1299), await verify(1300)]).toEqual([
      'not_yet_valid',
      'accepted',
      'expired',
    ]);
  });

  it('threat 47: a public key, a missing kid, a broken life or a second sub is a TypeError', async () => {
    const { publicKey } = keyPair('P-256');
    await expect(mintJwtSvid(CLAIMS, { key: publicKey, kid: 'k1' })).rejects.toThrow(TypeError);
    await expect(mintJwtSvid(CLAIMS, { ...key, kid: '' })).rejects.toThrow(TypeError);
    for (const ttlSeconds of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(mintJwtSvid({ ...CLAIMS, ttlSeconds }, key)).rejects.toThrow(TypeError);
    }
    for (const name of ['sub', 'aud', 'exp', 'iat']) {
      await expect(mintJwtSvid({ ...CLAIMS, claims: { [name]: 'x' } }, key)).rejects.toThrow(TypeError);
    }
    await expect(mintJwtSvid(CLAIMS, key, { clock: () => Number.NaN })).rejects.toThrow(TypeError);
  });
});
