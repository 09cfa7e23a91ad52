import type { JwsRule } from '../internal/compact-jws.js';
import type { JwkRule } from '../internal/jwk.js';
import { SvidkitError } from './svidkit-error.js';

/**
 * Why a text is not a Workload Identity Token that may be trusted here. Besides the rules of the strict JWS, JSON and
 * JWK readers (`too_large`, `not_compact`, `duplicate_member`, `crit_present`, `private_key_member`, `weak_key` and
 * the like):
 *
 * - `unsupported_alg`: a signature algorithm that the profile does not allow.
 * - `wrong_typ`: not typed as a WIT.
 * - `missing_kid`, `bad_kid`: no `kid` where the profile asks for one (WIT-SVID section 2.1), or not a string.
 * - `bad_sub`: no `sub`, or not the identifier of a workload that the accepted profiles allow.
 * - `aud_present`: an `aud` claim, even an empty one (WIT-SVID section 3.8).
 * - `bad_exp`, `bad_nbf`: missing `exp`, or not whole seconds since the epoch; when minting, also an `nbf` that is not
 *   before `exp`.
 * - `expired`, `not_yet_valid`: outside its time, leeway included.
 * - `lifetime_too_long`: valid for longer than the verifier accepts.
 * - `bad_iss`, `bad_jti`: not a string; `bad_iss` also when the issuer is not on the verifier's list.
 * - `missing_cnf`, `bad_cnf`: no `cnf` claim; no `jwk` object in it, or a second confirmation next to it.
 * - `missing_cnf_alg`, `unsupported_cnf_alg`, `cnf_alg_mismatch`: `cnf.jwk.alg` is not there or not a string; not
 *   allowed by the profile; not one for that type of key.
 * - `unknown_trust_domain`: no WIT bundle is held for the trust domain of `sub`.
 * - `unknown_key`: the bundle has no key with the token's `kid`.
 * - `ambiguous_key`: no `kid`, and the bundle does not hold exactly one key.
 * - `alg_mismatch`: the bundle's key is not one that `alg` can be used with.
 * - `bad_signature`: the bundle's key does not verify the signature.
 * - `id_mismatch`: the identifier delivered next to the token is not the one in `sub`.
 * - `key_mismatch`: the private key delivered next to the token is not the one in `cnf`.
 */
export type WitErrorCode =
  | JwsRule
  | JwkRule
  | 'unsupported_alg'
  | 'wrong_typ'
  | 'missing_kid'
  | 'bad_kid'
  | 'bad_sub'
  | 'aud_present'
  | 'bad_exp'
  | 'bad_nbf'
  | 'expired'
  | 'not_yet_valid'
  | 'lifetime_too_long'
  | 'bad_iss'
  | 'bad_jti'
  | 'missing_cnf'
  | 'bad_cnf'
  | 'missing_cnf_alg'
  | 'unsupported_cnf_alg'
  | 'cnf_alg_mismatch'
  | 'unknown_trust_domain'
  | 'unknown_key'
  | 'ambiguous_key'
  | 'alg_mismatch'
  | 'bad_signature'
  | 'id_mismatch'
  | 'key_mismatch';

/** A Workload Identity Token or WIT-SVID that is refused. */
export class WitError extends SvidkitError<WitErrorCode> {}
