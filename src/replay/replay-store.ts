/** What a store remembers about one proof. */
export interface ReplayEntry {
  /** Base64url SHA-256 of (trust domain, thumbprint of the sender's key, `jti`): never of token bytes. */
  readonly key: string;
  /** Whose quota the entry counts against: the identifier of the workload that proved itself. */
  readonly sender: string;
  /** Milliseconds since the epoch until which the entry must be kept: the last moment the proof could be accepted. */
  readonly expiresAt: number;
}

/**
 * What became of an entry.
 *
 * - `fresh`: it was not there and is now remembered. The only verdict that admits a proof.
 * - `replayed`: it was there already.
 * - `sender_full`: this sender has as many live entries as it may have; nothing was stored.
 * - `full`: the store has as many live entries as it may have; nothing was stored.
 */
export type ReplayVerdict = 'fresh' | 'replayed' | 'sender_full' | 'full';

/**
 * Where verifiers remember used proofs. Replicas that accept the same audiences must share one, or a proof can be used
 * once at each of them.
 */
export interface ReplayStore {
  /**
   * Looks the key up and stores it in one atomic step: of two calls with the same key at the same time exactly one gets
   * `fresh`. A rejection, like every verdict but `fresh`, refuses the proof.
   */
  insert(entry: ReplayEntry, options?: ReplayInsertOptions): Promise<ReplayVerdict>;
}

export interface ReplayInsertOptions {
  /** Stops waiting for the store; the proof is then refused. */
  readonly signal?: AbortSignal | undefined;
}
