import { SvidkitError } from './svidkit-error.js';

/**
 * Why a replay store cannot answer.
 *
 * - `expired_entry`: the entry would expire at once by the store's clock, so a second use could not be noticed. The
 *   store and the verifier must be given the same clock. Also where the store in memory has forgotten entries because its
 *   clock ran ahead, and the clock was set back since: until their time has passed, any of them could come again.
 *
 * Of a store on Redis or Valkey:
 * - `expiry_too_far`: the entry must be kept longer than `longestLifetimeSeconds` says; the store and the verifiers that
 *   use it are configured differently.
 * - `server_changed`: the server may have forgotten proofs that can still be used, so none is accepted until they have
 *   expired.
 * - `server_evicts`: the server is configured to drop live entries when its memory is full.
 * - `server_unknown`: the server does not say which one it is, so a change would go unnoticed.
 * - `store_failed`: the client rejected; `cause` is what it rejected with.
 * - `store_timeout`: no answer within `timeoutMs`.
 * - `bad_answer`: an answer that svidkit's script does not give.
 */
export type ReplayErrorCode =
  | 'expired_entry'
  | 'expiry_too_far'
  | 'server_changed'
  | 'server_evicts'
  | 'server_unknown'
  | 'store_failed'
  | 'store_timeout'
  | 'bad_answer';

/** A replay store that cannot answer; verifiers then refuse the proof. */
export class ReplayError extends SvidkitError<ReplayErrorCode> {}
