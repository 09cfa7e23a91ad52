import type { KeyObject } from 'node:crypto';
import { WitError } from '../errors/index.js';
import { parseWorkloadId, type WorkloadId, type WorkloadIdLike } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { type JsonObject, readJsonObject } from '../internal/json.js';
import { type PublicKeyJwk, readPublicKey } from '../internal/jwk.js';
import type { JwsAlgorithm } from '../internal/jws-algorithm.js';
import { defaultAlgorithm, type SigningKey, signCompact, toSigner } from '../internal/signing-key.js';
import { checkHasTime, lifetimeOption, secondsNow } from '../internal/validity.js';
import { readConfirmationKey } from './confirmation-key.js';
import { giveKey } from './key-holders.js';
import { profileFor, type WitProfile, type WitProfileRules } from './profile.js';
import { inRoom, readSubject, readWitHeader, readWitPayload } from './read-wit.js';

export interface WitClaims {
  /** The workload, with a path. */
  readonly id: WorkloadIdLike;
  /** The workload's key. Only its public half goes into the token, whichever half this is. */
  readonly key: KeyObject;
  /** The algorithm that the workload's proofs are made with (`cnf.jwk.alg`). Default by the type of the key. */
  readonly alg?: JwsAlgorithm | undefined;
  /** How long the token is valid, in whole seconds: minutes to hours. */
  readonly ttlSeconds: number;
  /**
   * `iss`, for audits. Default none. In the `spiffe` profile not an `https` URL, so that no OpenID Connect verifier
   * takes the token for an ID token (WIT-SVID section 3.7).
   */
  readonly issuer?: string | undefined;
  /** `jti`, unique in the trust domain, for audits. Default none. */
  readonly jti?: string | undefined;
  /** Further claims. Those named above, `sub`, `cnf`, `exp`, `iat` and `aud` cannot be set here. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

export interface WitSigningKey {
  /** A private key, or something that signs in its place. */
  readonly key: SigningKey;
  /** Default by the type of the key: ES256 for P-256, RS256 for RSA, EdDSA for Ed25519. */
  readonly alg?: JwsAlgorithm | undefined;
  /** The name of the key in the trust domain's WIT bundle. Mandatory in the `spiffe` profile. */
  readonly kid?: string | undefined;
}

export interface MintWitOptions {
  /** Default `spiffe` for a `spiffe://` identifier, else `wimse`. */
  readonly profile?: WitProfile | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
}

const SET_HERE: ReadonlySet<string> = new Set(['sub', 'cnf', 'exp', 'iat', 'iss', 'jti']);

/**
 * Issues a Workload Identity Token, for issuers and tests. What a verifier of the profile would refuse is not signed,
 * and a key is not put into the token of one workload while a token of another, minted in this process, is valid with it
 * (draft-ietf-wimse-workload-creds-02, "Workload Identity Key Management").
 *
 * @throws `WitError` with the rule that a verifier would refuse by, `bad_nbf` also for an `nbf` that is not before `exp`;
 * `key_mismatch` for a key of another workload.
 */
export async function mintWit(claims: WitClaims, key: WitSigningKey, options: MintWitOptions = {}): Promise<string> {
  const signer = toSigner(key.key, key.alg);
  const id = parseWorkloadId(claims.id);
  const now = secondsNow(options.clock ?? systemClock);
  const publicKey = inRoom(() => readPublicKey(claims.key));
  const profile = mintingProfile(id, options.profile);
  const header = asSigned({ alg: signer.alg, kid: key.kid, typ: 'wit+jwt' });
  const exp = now + lifetimeOption('ttlSeconds', claims.ttlSeconds);
  const payload = asSigned(payloadOf(claims, { publicKey, id, iat: now, exp }));
  readWitHeader(header, profile);
  readSubject(payload);
  const validity = readWitPayload(payload, profile);
  inRoom(() => checkHasTime(validity));
  readConfirmationKey(payload, profile);
  checkNoAudience(payload);
  checkIssuer(payload, profile);
  giveKey(publicKey.thumbprint, id, exp, now);
  return signCompact(header, payload, signer);
}

function mintingProfile(id: WorkloadId, profile: WitProfile | undefined): WitProfileRules {
  return profileFor(id, new Set<WitProfile>(profile === undefined ? ['spiffe', 'wimse'] : [profile]));
}

interface Issued {
  readonly publicKey: PublicKeyJwk;
  readonly id: WorkloadId;
  readonly iat: number;
  readonly exp: number;
}

function payloadOf({ alg, issuer, jti, claims = {} }: WitClaims, { publicKey, id, iat, exp }: Issued): object {
  for (const name of Object.keys(claims)) {
    if (SET_HERE.has(name)) throw new TypeError(`${name} has its own place and cannot be among the further claims`);
  }
  const jwk = { alg: alg ?? defaultAlgorithm(publicKey), ...publicKey.jwk };
  return { ...claims, cnf: { jwk }, exp, iat, iss: issuer, jti, sub: id };
}

/** What a verifier will read. */
function asSigned(value: object): JsonObject {
  const text = JSON.stringify(value);
  if (text === undefined) throw new WitError('bad_json', 'the claims are not JSON');
  return inRoom(() => readJsonObject(text));
}

/** WIT-SVID section 3.8; workload-creds only leaves it open, and a WIT for one audience helps nobody. */
function checkNoAudience(claims: JsonObject): void {
  if (Object.hasOwn(claims, 'aud')) {
    throw new WitError('aud_present', 'a Workload Identity Token has no aud; its proof of possession has one');
  }
}

/** WIT-SVID section 3.7. */
function checkIssuer({ iss }: JsonObject, profile: WitProfileRules): void {
  if (profile.name === 'spiffe' && typeof iss === 'string' && /^https:/i.test(iss)) {
    throw new WitError('bad_iss', 'the iss of a WIT-SVID should not be one that OpenID Connect Discovery can find');
  }
}
