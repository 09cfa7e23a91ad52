import { WitError } from '../errors/index.js';
import type { WorkloadId } from '../id/index.js';

interface Holder {
  readonly workload: string;
  /** Seconds since the epoch, when the last token that names this holder has ended. */
  readonly exp: number;
}

/** By the RFC 7638 thumbprint of the key, because one key may come as many objects. */
const holders = new Map<string, Holder>();
const FIRST_SWEEP = 1024;
let sweepAt = FIRST_SWEEP;

/**
 * Gives a key to a workload until a token for it ends. Every token of this process counts, so what is kept grows with
 * the tokens that are valid and not with those ever minted.
 *
 * @throws `WitError` `key_mismatch` when a token that is still valid says that the key is another workload's
 * (draft-ietf-wimse-workload-creds-02, "Workload Identity Key Management").
 */
export function giveKey(thumbprint: string, id: WorkloadId, exp: number, now: number): void {
  const held = holders.get(thumbprint);
  const workload = id.toString();
  if (held !== undefined && held.exp > now && held.workload !== workload) {
    throw new WitError('key_mismatch', `the key was given to ${held.workload}, and must not stand for ${id} as well`);
  }
  holders.set(thumbprint, { workload, exp: held?.workload === workload ? Math.max(held.exp, exp) : exp });
  if (holders.size >= sweepAt) sweep(now);
}

/** Twice what was left over the last time, so that a sweep costs each token a constant. */
function sweep(now: number): void {
  for (const [thumbprint, { exp }] of holders) if (exp <= now) holders.delete(thumbprint);
  sweepAt = Math.max(FIRST_SWEEP, 2 * holders.size);
}
