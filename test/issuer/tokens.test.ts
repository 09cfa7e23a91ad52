import { createPublicKey } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { BundleSet } from 'svidkit/bundle';
import { WitError } from 'svidkit/errors';
import { createIssuer } from 'svidkit/issuer';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';

const ID = 'spiffe://example.org/agents/planner';

describe('JWT-SVIDs of an issuer', () => {
  it.each([
    ['ec-p256', 'ES256'],
    ['ec-p384', 'ES384'],
    ['rsa-2048', 'RS256'],
  ] as const)('verify under a %s key, by our verifier and by jose', async (keyType, alg) => {
    const issuer = await createIssuer({ trustDomain: 'example.org', keyType });
    const token = await issuer.issueJwtSvid(ID, { audience: ['spiffe://example.org/orders', 'b'] });
    const ours = await verifyJwtSvid(token, new BundleSet([issuer.bundle]), { audience: 'b' });
    expect(ours.id.toString()).toBe(ID);

    const keys = createLocalJWKSet(JSON.parse(JSON.stringify(issuer.bundle.jwt.toJwks())));
    const theirs = await jwtVerify(token, keys, { audience: 'b', subject: ID });
    expect(theirs.protectedHeader).toMatchObject({ alg, kid: issuer.authorities.jwt[0]?.id });
    expect((theirs.payload.exp ?? 0) - (theirs.payload.iat ?? 0)).toBe(300);
  });

  it('live as long as asked', async () => {
    const issuer = await createIssuer({
      trustDomain: 'example.org',
      jwtTtlSeconds: 20,
      clock: () => 1_800_000_000_000,
    });
    const lifetime = async (ttlSeconds?: number): Promise<number> => {
      const token = await issuer.issueJwtSvid(ID, { audience: 'a', ttlSeconds });
      const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      return payload.exp - 1_800_000_000;
    };
    expect(await lifetime()).toBe(20);
    expect(await lifetime(7)).toBe(7);
  });

  it('need an audience', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await expect(issuer.issueJwtSvid(ID, { audience: [] })).rejects.toThrow();
  });
});

describe('WIT-SVIDs of an issuer', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'PS256'] as const)('verify with a key for %s', async (alg) => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const svid = await issuer.issueWitSvid(ID, { alg, hint: 'internal' });
    expect(svid).toMatchObject({ alg, hint: 'internal' });
    expect(svid.id.toString()).toBe(ID);
    const wit = await verifyWit(svid.token, new BundleSet([issuer.bundle]), { profiles: ['spiffe'] });
    expect(wit.alg).toBe(alg);
    expect(wit.expiresAt).toEqual(svid.expiresAt);
    const signature = await svid.signer.sign(Buffer.from('proof'));
    expect(signature.length).toBeGreaterThan(0);
  });

  it('have the form of the WIT-SVID standard, as jose sees it', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org', witTtlSeconds: 120 });
    const { token } = await issuer.issueWitSvid(ID);
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'wit+jwt', alg: 'ES256' });
    const keys = createLocalJWKSet(JSON.parse(JSON.stringify(issuer.bundle.wit.toJwks())));
    const { payload } = await jwtVerify(token, keys, { typ: 'wit+jwt', subject: ID });
    expect(payload['aud']).toBeUndefined();
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120);
    const { jwk } = payload['cnf'] as { jwk: Record<string, unknown> };
    expect(jwk['alg']).toBe('ES256');
    expect(jwk['d']).toBeUndefined();
  });

  it('draft-ietf-wimse-workload-creds section 9.2.1: live for an hour unless told otherwise', async () => {
    const now = 1_800_000_000_000;
    const issuer = await createIssuer({ trustDomain: 'example.org', clock: () => now });
    expect((await issuer.issueWitSvid(ID)).expiresAt).toEqual(new Date(now + 3_600_000));
    expect((await issuer.issueWitSvid(ID, { ttlSeconds: 60 })).expiresAt).toEqual(new Date(now + 60_000));
  });

  it('draft-ietf-wimse-wpt section 3.2: have a new key each time, which is for nothing else', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const wits = await Promise.all([issuer.issueWitSvid(ID), issuer.issueWitSvid(ID)]);
    const { privateKey } = await issuer.issueX509Svid(ID);
    const authorities = [...issuer.bundle.wit.keys, ...issuer.bundle.jwt.keys].map(({ publicKey }) => publicKey.key);
    const used = [...wits.map((svid) => createPublicKey(svid.privateKey)), createPublicKey(privateKey), ...authorities];
    const texts = used.map((key) => key.export({ format: 'pem', type: 'spki' }));
    expect(texts).toHaveLength(5);
    expect(new Set(texts).size).toBe(5);
  });

  it('threat 47: are not made for an algorithm that the profile refuses', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await expect(issuer.issueWitSvid(ID, { alg: 'EdDSA' })).rejects.toThrow(WitError);
  });

  it('threat 9: are signed by other keys than JWT-SVIDs', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const { jwt, wit } = issuer.bundle;
    expect(jwt.keys[0]?.publicKey.thumbprint).not.toBe(wit.keys[0]?.publicKey.thumbprint);
    expect(wit.candidates(jwt.keys[0]?.kid)).toEqual([]);
  });
});
