import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { parseWitSvid, type Signer, type WitCredential } from 'svidkit/wit';
import { type MintWptOptions, mintWpt, proveRequest, verifyWpt } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { readCompactJws } from '../../src/internal/compact-jws.js';
import { publicJwkOf } from '../../src/internal/jwk.js';
import { type JwsAlgorithm, signJws } from '../../src/internal/jws-algorithm.js';
import { tokenHash } from '../../src/internal/token-hash.js';
import { type KeyKind, keyPair } from '../support/key-pairs.js';
import { AUDIENCE, outcome, presentation, unproven, options as verifying, WIT } from '../support/proofs.js';
import { rejectionOf } from '../support/rejections.js';
import { clock, confirmation, NOW, wit, workload } from '../support/wit-domain.js';

const svid = parseWitSvid({ token: WIT, privateKey: workload });
const credential: WitCredential = { token: WIT, key: workload, alg: 'ES256', expiresAt: new Date((NOW + 3600) * 1000) };
const OPTIONS: MintWptOptions = { audience: AUDIENCE, clock };
const D1 = 'draft-ietf-wimse-wpt-01';

async function claimsOf(changes: Partial<MintWptOptions> = {}, of = svid): Promise<Record<string, unknown>> {
  return { ...readCompactJws(await mintWpt(of, { ...OPTIONS, ...changes })).payload };
}

describe('minting a proof', () => {
  it('says for whom, until when, and for which WIT', async () => {
    expect(await claimsOf()).toEqual({
      aud: AUDIENCE,
      exp: NOW + 60,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      wth: tokenHash(WIT),
    });
  });

  it('threat 47: every jti is 128 bits, and never the same', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, async () => String((await claimsOf())['jti'])));
    expect(new Set(all).size).toBe(50);
    for (const jti of all) expect(Buffer.from(jti, 'base64url')).toHaveLength(16);
  });

  it('threat 47: a proof lives for 300 s at most, and not beyond its WIT', async () => {
    for (const lifetimeSeconds of [0, -1, 301, 0.5, Number.NaN]) {
      await expect(mintWpt(svid, { ...OPTIONS, lifetimeSeconds })).rejects.toThrow(TypeError);
    }
    expect((await claimsOf({ lifetimeSeconds: 300 }))['exp']).toBe(NOW + 300);
    const short = parseWitSvid({ token: wit({ claims: { exp: NOW + 20 } }), privateKey: workload });
    expect((await claimsOf({}, short))['exp']).toBe(NOW + 20);
    const late = { ...OPTIONS, clock: () => (NOW + 20) * 1000 };
    expect(await rejectionOf(mintWpt(short, late))).toBe('wit_expired');
    await expect(mintWpt(svid, { ...OPTIONS, clock: () => Number.NaN })).rejects.toThrow(TypeError);
  });

  it.each([
    [`${AUDIENCE}?page=2#top`, AUDIENCE],
    [`${AUDIENCE}#top`, AUDIENCE],
    ['https://Tools.example.org', 'https://Tools.example.org'],
    ['Orders?x', 'Orders?x'],
  ])('the audience %s is sent as %s', async (audience, sent) => {
    expect((await claimsOf({ audience }))['aud']).toBe(sent);
  });

  it('covers every token that goes along', async () => {
    const otherTokens = { 'X-User': ' u ', 'x-b': 'b' };
    const claims = await claimsOf({ draft: D1, accessToken: 'a', txnToken: 't', otherTokens });
    expect(claims).toMatchObject({
      ath: tokenHash('a'),
      tth: tokenHash('t'),
      oth: { 'x-user': tokenHash('u'), 'x-b': tokenHash('b') },
    });
    expect('oth' in (await claimsOf({ otherTokens: {} }))).toBe(false);
  });

  it.each([
    { audience: '' },
    { audience: undefined },
    { draft: 'draft-ietf-wimse-wpt-00' },
    { accessToken: 'a' },
    { draft: D1, accessToken: '' },
    { draft: D1, accessToken: 'Bearer a' },
    { draft: D1, accessToken: 'a,b' },
    { txnToken: '' },
    { txnToken: 'a, b' },
    { otherTokens: { Authorization: 'x' } },
    { otherTokens: { 'Txn-Token': 'x' } },
    { otherTokens: { 'a b': 'x' } },
    { otherTokens: { 'X-A': 'x', 'x-a': 'y' } },
    { otherTokens: { 'x-a': '' } },
    { otherTokens: { 'x-a': 'ü' } },
    { otherTokens: { 'x-a': 'a\r\nb' } },
    { otherTokens: { 'x-a': 7 } },
    { otherTokens: JSON.parse('{"__proto__":"x"}') as object },
  ])('threat 47: %j is a TypeError', async (changes) => {
    await expect(mintWpt(svid, { ...OPTIONS, ...changes } as MintWptOptions)).rejects.toThrow(TypeError);
  });
});

describe('a key that is held elsewhere', () => {
  const signer: Signer = {
    alg: 'ES256',
    publicKey: keyPair('P-256', 'workload').publicKey,
    sign: async (input) => signJws('ES256', workload, input),
  };

  it('proves its WIT', async () => {
    expect(await outcome(await mintWpt({ ...credential, key: signer }, OPTIONS))).toBe('accepted');
    expect(await outcome(await mintWpt(credential, OPTIONS))).toBe('accepted');
    const fields = await proveRequest({ ...credential, key: signer }, OPTIONS);
    expect(fields[0]).toEqual(['Workload-Identity-Token', WIT]);
  });

  it('threat 47: must be the one in the WIT, with its algorithm, and before its end', async () => {
    const { privateKey } = keyPair('P-256', 'other');
    await expect(mintWpt({ ...credential, key: privateKey }, OPTIONS)).rejects.toThrow(TypeError);
    const rsa = keyPair('RSA').privateKey;
    const bound = { ...credential, key: rsa, token: wit({ claims: { cnf: confirmation(rsa, 'PS256') } }) };
    expect(await rejectionOf(mintWpt({ ...bound, alg: 'RS256' }, OPTIONS))).toBe('alg_mismatch');
    expect(await rejectionOf(mintWpt({ ...bound, alg: 'PS256' }, OPTIONS))).toBe('accepted');
    expect(await rejectionOf(mintWpt({ ...credential, expiresAt: new Date(NOW * 1000) }, OPTIONS))).toBe('wit_expired');
    const expired = { ...credential, token: wit({ claims: { exp: NOW } }) };
    expect(await rejectionOf(mintWpt(expired, OPTIONS))).toBe('wit_expired');
    for (const cnf of [undefined, {}, { jwk: {} }, { jwk: { ...publicJwkOf(workload), alg: 'ES256', d: 'AA' } }]) {
      await expect(mintWpt({ ...credential, token: wit({ claims: { cnf } }) }, OPTIONS)).rejects.toThrow(TypeError);
    }
    expect(await rejectionOf(mintWpt({ ...credential, token: 'nonsense' }, OPTIONS))).toBe('not_compact');
  });
});

describe('jose as a second opinion', () => {
  const kinds: [JwsAlgorithm, KeyKind][] = [
    ['ES256', 'P-256'],
    ['ES384', 'P-384'],
    ['ES512', 'P-521'],
    ['RS256', 'RSA'],
    ['PS256', 'RSA'],
  ];

  it.each(kinds)('%s: verifies what is minted here, and mints what verifies here', async (alg, kind) => {
    const { privateKey } = keyPair(kind);
    const token = wit({ claims: { cnf: confirmation(privateKey, alg) } });
    const minted = await mintWpt(parseWitSvid({ token, privateKey }), OPTIONS);
    const jwks = { keys: [publicJwkOf(privateKey)] } as unknown as Parameters<typeof createLocalJWKSet>[0];
    const checks = { typ: 'wpt+jwt', audience: AUDIENCE, algorithms: [alg], currentDate: new Date(clock()) };
    expect((await jwtVerify(minted, createLocalJWKSet(jwks), checks)).payload['wth']).toBe(tokenHash(token));
    const theirs = await new SignJWT({ wth: tokenHash(token) })
      .setProtectedHeader({ alg, typ: 'wpt+jwt' })
      .setAudience(AUDIENCE)
      .setExpirationTime(NOW + 60)
      .setJti('j')
      .sign(privateKey);
    for (const proof of [minted, theirs]) {
      const caller = await verifyWpt(presentation(proof), await unproven(token), verifying());
      expect(caller.proof.audience).toBe(AUDIENCE);
    }
  });
});
