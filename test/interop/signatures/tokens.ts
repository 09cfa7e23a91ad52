import type { KeyObject } from 'node:crypto';
import { JwtBundle, WitBundle } from 'svidkit/bundle';
import { anyId } from 'svidkit/id';
import { mintJwtSvid, verifyJwtSvid } from 'svidkit/jwt-svid';
import { createMemoryReplayStore } from 'svidkit/replay';
import { decodeWitUnverified, type JwsAlgorithm, mintWit, parseWitSvid, verifyWit } from 'svidkit/wit';
import { mintWpt, verifyWpt } from 'svidkit/wpt';
import { tokenHash } from '../../../src/internal/token-hash.js';
import { KIND_OF } from '../../support/key-pairs.js';
import { confirmation } from '../../support/wit-domain.js';
import { keyPair } from '../support/keys.js';

type TokenKind = 'WIT' | 'WPT' | 'JWT-SVID';

/** How one kind of token is made and verified here, and what a peer needs for the same. */
export interface TokenExchange {
  readonly kind: TokenKind;
  readonly alg: JwsAlgorithm;
  /** What svidkit mints. */
  mint(): Promise<string>;
  /** Verifies a token with svidkit, whoever signed it. */
  verify(token: string): Promise<unknown>;
  /** The key that signs. */
  readonly privateKey: KeyObject;
  /** The JWK Set that a verifier has. */
  readonly jwks: object;
  readonly header: object;
  readonly claims: object;
  readonly audience: string | undefined;
}

const AUDIENCE = 'https://tools.example.org/orders';
const EDDSA: ReadonlySet<JwsAlgorithm> = new Set(['EdDSA', 'Ed25519']);

/** The SPIFFE profile where it allows the algorithm, else the wider one. */
const subjectOf = (alg: JwsAlgorithm): string => `${EDDSA.has(alg) ? 'wimse' : 'spiffe'}://example.org/agents/planner`;
const domainOf = (alg: JwsAlgorithm): string => subjectOf(alg).replace('/agents/planner', '');

export async function tokenExchanges(now: number): Promise<readonly TokenExchange[]> {
  const algorithms = Object.keys(KIND_OF) as JwsAlgorithm[];
  const proofs = await Promise.all(algorithms.map((alg) => proofExchange(alg, now)));
  const spiffe = algorithms.filter((alg) => !EDDSA.has(alg));
  return [...algorithms.map((alg) => witExchange(alg, now)), ...proofs, ...spiffe.map((alg) => svidExchange(alg, now))];
}

function authority(alg: JwsAlgorithm): KeyObject {
  return keyPair(KIND_OF[alg], 'authority').privateKey;
}

/** The workload's key is of another algorithm than the signature, except where the profile is the wider one. */
function witExchange(alg: JwsAlgorithm, now: number): TokenExchange {
  const bound: JwsAlgorithm = EDDSA.has(alg) ? 'EdDSA' : 'ES256';
  const { publicKey } = keyPair(KIND_OF[bound], `workload of ${bound}`);
  const [privateKey, sub] = [authority(alg), subjectOf(alg)];
  const bundle = new WitBundle(domainOf(alg), [{ kid: 'k', key: privateKey }]);
  const sources = { getWitBundle: () => bundle };
  return {
    ...{ kind: 'WIT', alg, privateKey, jwks: bundle.toJwks(), audience: undefined },
    header: { kid: 'k', typ: 'wit+jwt' },
    claims: { sub, iat: now, exp: now + 300, jti: 'peer', cnf: confirmation(publicKey, bound) },
    mint: () => mintWit({ id: sub, key: publicKey, alg: bound, ttlSeconds: 300 }, { key: privateKey, alg, kid: 'k' }),
    verify: (token) => verifyWit(token, sources),
  };
}

async function proofExchange(alg: JwsAlgorithm, now: number): Promise<TokenExchange> {
  const { publicKey, privateKey } = keyPair(KIND_OF[alg], `workload of ${alg}`);
  const issuer: JwsAlgorithm = EDDSA.has(alg) ? 'EdDSA' : 'ES256';
  const key = authority(issuer);
  const bundle = new WitBundle(domainOf(alg), [{ kid: 'k', key }]);
  const wit = await mintWit(
    { id: subjectOf(alg), key: publicKey, alg, ttlSeconds: 300 },
    { key, alg: issuer, kid: 'k' },
  );
  const { cnf } = decodeWitUnverified(wit).claims as { readonly cnf: { readonly jwk: object } };
  const claims = { aud: AUDIENCE, exp: now + 60, jti: `peer-${alg}`, wth: tokenHash(wit) };
  return {
    ...{
      kind: 'WPT',
      alg,
      privateKey,
      jwks: { keys: [cnf.jwk] },
      header: { typ: 'wpt+jwt' },
      claims,
      audience: AUDIENCE,
    },
    mint: () => mintWpt(parseWitSvid({ token: wit, privateKey }), { audience: AUDIENCE }),
    verify: async (wpt) => {
      const request = { draft: 'draft-ietf-wimse-wpt-02', wpt } as const;
      const options = { audiences: AUDIENCE, authorize: anyId(), replay: createMemoryReplayStore() };
      return verifyWpt(request, await verifyWit(wit, { getWitBundle: () => bundle }), options);
    },
  };
}

function svidExchange(alg: JwsAlgorithm, now: number): TokenExchange {
  const [key, id] = [authority(alg), subjectOf(alg)];
  const bundle = new JwtBundle(domainOf(alg), [{ kid: 'k', key }]);
  return {
    ...{ kind: 'JWT-SVID', alg, privateKey: key, jwks: bundle.toJwks(), audience: AUDIENCE },
    header: { kid: 'k', typ: 'JWT' },
    claims: { sub: id, aud: [AUDIENCE], iat: now, exp: now + 300 },
    mint: () => mintJwtSvid({ id, audience: AUDIENCE, ttlSeconds: 300 }, { key, alg, kid: 'k' }),
    verify: (token) => verifyJwtSvid(token, { getJwtBundle: () => bundle }, { audience: AUDIENCE }),
  };
}
