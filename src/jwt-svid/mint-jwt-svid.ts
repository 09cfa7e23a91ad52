import { JwtSvidError } from '../errors/index.js';
import type { WorkloadIdLike } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { type JsonObject, readJsonObject } from '../internal/json.js';
import type { JwsAlgorithm } from '../internal/jws-algorithm.js';
import { type SigningKey, signCompact, toSigner } from '../internal/signing-key.js';
import { checkHasTime, lifetimeOption, secondsNow } from '../internal/validity.js';
import { inRoom, readJwtSvidHeader, readJwtSvidPayload } from './read-jwt-svid.js';

export interface JwtSvidClaims {
  /** The workload, with a path. */
  readonly id: WorkloadIdLike;
  /** For whom. One is recommended: each of several can pass the token on to the others (JWT-SVID section 7.2). */
  readonly audience: string | readonly string[];
  /** How long the token is valid, in whole seconds. Keep it to minutes: whoever sees the token can use it. */
  readonly ttlSeconds: number;
  /** Further claims. `sub`, `aud`, `exp` and `iat` cannot be set here. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

export interface JwtSvidSigningKey {
  /** A private key, or something that signs in its place. */
  readonly key: SigningKey;
  /** RS, PS or ES 256 to 512. Default by the type of the key: ES256 for P-256, RS256 for RSA. */
  readonly alg?: JwsAlgorithm | undefined;
  /** The name of the key in the trust domain's JWT bundle. */
  readonly kid: string;
}

export interface MintJwtSvidOptions {
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
}

const SET_HERE: ReadonlySet<string> = new Set(['sub', 'aud', 'exp', 'iat']);

/**
 * Issues a JWT-SVID, for issuers and tests. What `verifyJwtSvid` would refuse at any time is not signed.
 *
 * @throws `JwtSvidError` with the rule that a verifier would refuse by; `bad_nbf` also for an `nbf` that is not before
 * `exp`.
 */
export async function mintJwtSvid(
  claims: JwtSvidClaims,
  key: JwtSvidSigningKey,
  options: MintJwtSvidOptions = {},
): Promise<string> {
  const signer = toSigner(key.key, key.alg);
  if (typeof key.kid !== 'string' || key.kid === '') throw new TypeError('mintJwtSvid() needs the kid of the key');
  const header = asSigned({ alg: signer.alg, kid: key.kid, typ: 'JWT' });
  const payload = asSigned(payloadOf(claims, secondsNow(options.clock ?? systemClock)));
  readJwtSvidHeader(header);
  const validity = readJwtSvidPayload(payload);
  inRoom(() => checkHasTime(validity));
  return signCompact(header, payload, signer);
}

function payloadOf({ id, audience, ttlSeconds, claims = {} }: JwtSvidClaims, now: number): object {
  for (const name of Object.keys(claims)) {
    if (SET_HERE.has(name)) throw new TypeError(`${name} has its own place and cannot be among the further claims`);
  }
  const exp = now + lifetimeOption('ttlSeconds', ttlSeconds);
  return { ...claims, aud: typeof audience === 'string' ? [audience] : audience, exp, iat: now, sub: `${id}` };
}

/** What a verifier will read. */
function asSigned(value: object): JsonObject {
  const text = JSON.stringify(value);
  if (text === undefined) throw new JwtSvidError('bad_json', 'the claims are not JSON');
  return inRoom(() => readJsonObject(text));
}
