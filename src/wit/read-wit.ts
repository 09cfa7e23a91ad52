import { IdError, WitError, type WitErrorCode } from '../errors/index.js';
import { parseWorkloadId, type WorkloadId } from '../id/index.js';
import { type CompactJws, readCompactJws } from '../internal/compact-jws.js';
import type { JsonObject } from '../internal/json.js';
import { isJwsAlgorithm, type JwsAlgorithm } from '../internal/jws-algorithm.js';
import { quote } from '../internal/quote.js';
import { asRoomError } from '../internal/room-error.js';
import { readValidity, type Validity } from '../internal/validity.js';
import type { WitProfileRules } from './profile.js';

/** The JOSE header of a WIT. Key material in other parameters (`jwk`, `jku`, `x5c`) is never looked at. */
export interface WitHeader {
  readonly alg: JwsAlgorithm;
  readonly kid: string | undefined;
}

/** The claims of a WIT but `sub` and `cnf`, in the shapes they must have. */
export interface WitPayload extends Validity {
  readonly iss: string | undefined;
}

export function readWitJws(token: string, maxBytes: number | undefined): CompactJws {
  if (typeof token !== 'string') throw new TypeError('a Workload Identity Token must be a string');
  return inRoom(() => readCompactJws(token, { maxBytes }));
}

/** WIT-SVID section 2; draft-ietf-wimse-workload-creds-02, "The Workload Identity Token". */
export function readWitHeader(header: JsonObject, profile: WitProfileRules): WitHeader {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !isJwsAlgorithm(alg) || !profile.algorithms.has(alg)) {
    throw new WitError('unsupported_alg', `alg ${show(alg)} is not allowed by the ${profile.name} profile`);
  }
  if (typeof typ !== 'string' || !profile.isType(typ)) {
    throw new WitError('wrong_typ', `typ ${show(typ)} is not wit+jwt, so this is another kind of token`);
  }
  if (kid !== undefined && typeof kid !== 'string') throw new WitError('bad_kid', 'kid must be a string');
  if (kid === undefined && profile.kidRequired) {
    throw new WitError('missing_kid', 'a WIT-SVID must have a kid (WIT-SVID section 2.1)');
  }
  return { alg, kid };
}

/** One workload identifier, with a path: without one it names a trust domain (WIT-SVID section 3.1). */
export function readSubject(claims: JsonObject): WorkloadId {
  const { sub } = claims;
  if (typeof sub !== 'string') throw new WitError('bad_sub', 'sub must be there, as a string');
  try {
    const id = parseWorkloadId(sub);
    if (id.path !== '') return id;
  } catch (error) {
    if (error instanceof IdError) throw new WitError('bad_sub', `sub: ${error.message}`, { cause: error });
    throw error;
  }
  throw new WitError('bad_sub', 'sub names a trust domain, not a workload');
}

/** WIT-SVID sections 3.3 to 3.8. `iat` limits nothing (section 3.6), so an unusual one is passed over. */
export function readWitPayload(claims: JsonObject, profile: WitProfileRules): WitPayload {
  const { iss, jti } = claims;
  if (Object.hasOwn(claims, 'aud') && !profile.audAllowed) {
    throw new WitError('aud_present', 'a WIT-SVID must not have an aud claim; its proof of possession has one');
  }
  if (iss !== undefined && typeof iss !== 'string') throw new WitError('bad_iss', 'iss must be a string');
  if (jti !== undefined && typeof jti !== 'string') throw new WitError('bad_jti', 'jti must be a string');
  return { ...inRoom(() => readValidity(claims)), iss };
}

/** Runs one of the shared readers with its refusals as {@link WitError}. */
export function inRoom<T>(read: () => T): T {
  return asRoomError<WitErrorCode, T>(WitError, read);
}

function show(value: unknown): string {
  return typeof value === 'string' ? quote(value) : `(${typeof value})`;
}
