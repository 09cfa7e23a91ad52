import { SvidkitError } from './svidkit-error.js';

/**
 * Why a replay store cannot answer.
 *
 * - `expired_entry`: the entry would expire at once by the store's clock, so a second use could not be noticed. The
 *   store and the verifier must be given the same clock.
 */
export type ReplayErrorCode = 'expired_entry';

/** A replay store that cannot answer; verifiers then refuse the proof. */
export class ReplayError extends SvidkitError<ReplayErrorCode> {}
