import type { JwsRule } from '../internal/compact-jws.js';
import { SvidkitError } from './svidkit-error.js';

/**
 * Why a request, or the Workload Proof Token in it, is refused. Besides the rules of the strict JWS and JSON readers:
 *
 * In how the tokens travel:
 * - `missing_wit`, `missing_wpt`: the request does not carry one.
 * - `duplicate_header`: a header that carries a token is there twice.
 * - `bad_header`: a header that carries a token holds something else than one token; a comma-joined pair included.
 * - `two_proofs`: the forms of two drafts, or a proof token and a WIMSE HTTP signature, in one request.
 * - `draft_not_accepted`: the form of a draft that this verifier does not accept.
 * - `unsupported_authorization`: `Authorization` next to the proof has neither the Bearer nor the DPoP scheme.
 *
 * In the proof:
 * - `wrong_typ`: not typed `wpt+jwt`.
 * - `alg_mismatch`: `alg` is not, character for character, the `cnf.jwk.alg` of the WIT.
 * - `bad_signature`: not made by the key in the WIT.
 * - `bad_exp`, `bad_nbf`, `expired`, `not_yet_valid`, `lifetime_too_long`: as the names say; leeway included.
 * - `wit_expired`: the WIT has expired since it was verified, or before a proof was to be made.
 * - `bad_jti`: missing, empty, not a string, or over 256 bytes.
 * - `bad_aud`: missing, not a string, or a list of several where that was not allowed.
 * - `wrong_audience`: not one of the audiences that this verifier is configured with.
 * - `bad_wth`, `wth_mismatch`: no hash of the WIT; the hash of another one.
 * - `missing_ath`, `ath_without_token`, `ath_mismatch`: the hash of the access token, both ways.
 * - `missing_tth`, `tth_without_token`, `tth_mismatch`: the hash of the Txn-Token, both ways.
 * - `bad_oth`, `oth_without_token`, `oth_mismatch`: the hashes of other tokens: malformed; an entry for a token that is
 *   not there or that this verifier does not know; the hash of another token.
 *
 * In what follows:
 * - `subject_token_refused`: the service's verifier did not accept a token that the proof covers; `cause` is what it threw.
 * - `not_authorized`: the authorizer did not answer `true`, or threw.
 * - `replayed`: this proof was used before.
 * - `replay_store_full`: there is no room to remember the proof, so it is not accepted.
 * - `replay_store_failed`: the replay store threw or answered something unknown, so the proof is not accepted.
 */
export type WptErrorCode =
  | JwsRule
  | 'missing_wit'
  | 'missing_wpt'
  | 'duplicate_header'
  | 'bad_header'
  | 'two_proofs'
  | 'draft_not_accepted'
  | 'unsupported_authorization'
  | 'wrong_typ'
  | 'alg_mismatch'
  | 'bad_signature'
  | 'bad_exp'
  | 'bad_nbf'
  | 'expired'
  | 'not_yet_valid'
  | 'lifetime_too_long'
  | 'wit_expired'
  | 'bad_jti'
  | 'bad_aud'
  | 'wrong_audience'
  | 'bad_wth'
  | 'wth_mismatch'
  | 'missing_ath'
  | 'ath_without_token'
  | 'ath_mismatch'
  | 'missing_tth'
  | 'tth_without_token'
  | 'tth_mismatch'
  | 'bad_oth'
  | 'oth_without_token'
  | 'oth_mismatch'
  | 'subject_token_refused'
  | 'not_authorized'
  | 'replayed'
  | 'replay_store_full'
  | 'replay_store_failed';

/** A Workload Proof Token, or a request that should carry one, that is refused. */
export class WptError extends SvidkitError<WptErrorCode> {}
