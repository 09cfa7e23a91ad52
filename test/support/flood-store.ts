import { createHash } from 'node:crypto';
import type { MemoryReplayStore, ReplayEntry, ReplayVerdict } from 'svidkit/replay';

export interface FloodOptions {
  /** How many proofs the noisy workload sends. */
  readonly proofs: number;
  /** How many of them in a second of the store's clock; the quiet workload sends one in each. */
  readonly perSecond: number;
  readonly onSecond?: (second: number) => void;
}

export interface FloodResult {
  readonly noisy: ReadonlyMap<ReplayVerdict, number>;
  readonly quiet: ReadonlyMap<ReplayVerdict, number>;
  readonly mostEntries: number;
}

/** Inserts what verifiers would insert for proofs of 60 to 300 seconds, while the clock goes on. */
export async function floodStore(
  store: MemoryReplayStore,
  time: { now: number },
  { proofs, perSecond, onSecond = () => undefined }: FloodOptions,
): Promise<FloodResult> {
  const [noisy, quiet] = [new Map<ReplayVerdict, number>(), new Map<ReplayVerdict, number>()];
  let mostEntries = 0;
  const insert = async (sender: string, jti: number, verdicts: Map<ReplayVerdict, number>): Promise<void> => {
    const verdict = await store.insert(entryOf(sender, jti, time.now));
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  };
  for (let sent = 0, second = 0; sent < proofs; second += 1, time.now += 1000) {
    await insert('spiffe://example.org/agents/quiet', second, quiet);
    const upTo = Math.min(sent + perSecond, proofs);
    for (; sent < upTo; sent += 1) await insert('spiffe://example.org/agents/noisy', sent, noisy);
    mostEntries = Math.max(mostEntries, store.size);
    onSecond(second);
  }
  return { noisy, quiet, mostEntries };
}

function entryOf(sender: string, jti: number, now: number): ReplayEntry {
  const key = createHash('sha256').update(`${sender} ${jti}`).digest('base64url');
  return { key, sender, expiresAt: now + (70 + ((jti * 7) % 241)) * 1000 };
}
