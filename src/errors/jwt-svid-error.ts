import type { JwsRule } from '../internal/compact-jws.js';
import { SvidkitError } from './svidkit-error.js';

/**
 * Why a text is not a JWT-SVID that may be trusted here. Besides the rules of the strict JWS and JSON readers
 * (`too_large`, `not_compact`, `bad_base64url`, `duplicate_member`, `crit_present` and the like):
 *
 * - `unsupported_alg`: not one of RS, PS, ES 256 to 512 (JWT-SVID section 2.1).
 * - `bad_kid`: a `kid` that is not a string.
 * - `wrong_typ`: a `typ` other than `JWT` or `JOSE` (section 2.3); a WIT is refused by this rule.
 * - `unexpected_header`: a header parameter that section 2 does not describe, key material included.
 * - `bad_sub`: no `sub`, or not the SPIFFE ID of a workload (section 3.1).
 * - `bad_aud`: no `aud`, or neither a string nor a list of strings with at least one (section 3.2).
 * - `wrong_audience`: none of the token's audiences is one that the verifier names.
 * - `bad_exp`, `bad_nbf`: missing `exp`, or not whole seconds since the epoch (section 3.3); when minting,
 *   also an `nbf` that is not before `exp`.
 * - `expired`, `not_yet_valid`: outside its time, leeway included.
 * - `unknown_trust_domain`: no JWT bundle is held for the trust domain of `sub`.
 * - `unknown_key`: the bundle has no key with the token's `kid`.
 * - `alg_mismatch`: no candidate key is of the type that `alg` needs.
 * - `bad_signature`: no candidate key verifies the signature.
 * - `id_mismatch`: the identifier delivered next to the token is not the one in `sub`.
 */
export type JwtSvidErrorCode =
  | JwsRule
  | 'unsupported_alg'
  | 'bad_kid'
  | 'wrong_typ'
  | 'unexpected_header'
  | 'bad_sub'
  | 'bad_aud'
  | 'wrong_audience'
  | 'bad_exp'
  | 'bad_nbf'
  | 'expired'
  | 'not_yet_valid'
  | 'unknown_trust_domain'
  | 'unknown_key'
  | 'alg_mismatch'
  | 'bad_signature'
  | 'id_mismatch';

/** A JWT-SVID that is refused. */
export class JwtSvidError extends SvidkitError<JwtSvidErrorCode> {}
