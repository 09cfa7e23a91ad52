// What verifying tokens costs beyond their signatures, next to the obvious composition of jose: `tsx bench/tokens.ts`.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { createLocalJWKSet, importJWK, type JSONWebKeySet, type JWK, jwtVerify } from 'jose';
import { parseJwtBundle } from 'svidkit/bundle';
import { anyId } from 'svidkit/id';
import { mintJwtSvid, verifyJwtSvid } from 'svidkit/jwt-svid';
import { createMemoryReplayStore } from 'svidkit/replay';
import { verifyWit } from 'svidkit/wit';
import { verifyWpt } from 'svidkit/wpt';
import { keyPair } from '../test/support/key-pairs.js';
import { AUDIENCE, WIT, wpt } from '../test/support/proofs.js';
import { authority, bundles, clock, NOW, workload } from '../test/support/wit-domain.js';
import { compare } from './rounds.js';

const currentDate = new Date(NOW * 1000);
const { privateKey, publicKey } = keyPair('P-256', 'jwt authority');
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'jwt-1' }] };
const jwtBundle = parseJwtBundle('example.org', JSON.stringify(jwks));
const source = { getJwtBundle: () => jwtBundle };
const jwt = await mintJwtSvid(
  { id: 'spiffe://example.org/agents/planner', audience: AUDIENCE, ttlSeconds: 300 },
  { key: privateKey, kid: 'jwt-1' },
  { clock },
);
const joseKeys = createLocalJWKSet(jwks as JSONWebKeySet);

await compare('JWT-SVID', [
  { name: 'one bare P-256 verification', run: bare([jwt, publicKey]) },
  { name: 'verifyJwtSvid', run: () => verifyJwtSvid(jwt, source, { audience: AUDIENCE, clock }) },
  {
    name: 'jose: jwtVerify with a local JWK set',
    run: () => jwtVerify(jwt, joseKeys, { audience: AUDIENCE, currentDate }),
  },
]);

/** A replay store would refuse the second run of one proof; this one forgets, and the real one is timed by itself. */
const forgetful = { insert: async () => 'fresh' as const };
const replay = createMemoryReplayStore({ clock });
const proof = wpt();
const witKeys = createLocalJWKSet({ keys: [{ ...publicJwk(authority), kid: 'k1' }] } as JSONWebKeySet);
const options = { audiences: AUDIENCE, authorize: anyId(), clock };
const request = { draft: 'draft-ietf-wimse-wpt-01', wpt: proof } as const;
let inserted = 0;

await compare('WIT and WPT', [
  { name: 'two bare P-256 verifications', run: bare([WIT, authority], [proof, workload]) },
  {
    name: 'verifyWit, verifyWpt',
    run: async () => verifyWpt(request, await verifyWit(WIT, bundles, { clock }), { ...options, replay: forgetful }),
  },
  { name: 'jose: jwtVerify, importJWK, jwtVerify, hash', run: joseWitAndWpt },
  {
    name: 'one insert into the replay store in memory',
    run: () => {
      inserted += 1;
      return replay.insert({ key: `${inserted}`, sender: `${inserted % 100}`, expiresAt: (NOW + 60) * 1000 });
    },
  },
]);

/** The least that proves possession; of what else is asked of a verifier, jose checks `exp`, `aud` and `typ`. */
async function joseWitAndWpt(): Promise<boolean> {
  const wit = await jwtVerify<{ cnf: { jwk: JWK } }>(WIT, witKeys, { typ: 'wit+jwt', currentDate });
  const { jwk } = wit.payload.cnf;
  const key = await importJWK(jwk, jwk.alg ?? 'ES256');
  const { payload } = await jwtVerify(proof, key, { typ: 'wpt+jwt', audience: AUDIENCE, currentDate });
  return payload['wth'] === createHash('sha256').update(WIT).digest('base64url');
}

function bare(...tokens: readonly (readonly [token: string, key: KeyObject])[]): () => boolean {
  const inputs = tokens.map(([token, key]) => ({
    input: Buffer.from(token.slice(0, token.lastIndexOf('.'))),
    signature: Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url'),
    key: { key: key.type === 'private' ? createPublicKey(key) : key, dsaEncoding: 'ieee-p1363' as const },
  }));
  return () => inputs.every(({ input, signature, key }) => verify('sha256', input, key, signature));
}

function publicJwk(key: KeyObject): JWK {
  const { d: _d, ...jwk } = key.export({ format: 'jwk' });
  return jwk as JWK;
}
