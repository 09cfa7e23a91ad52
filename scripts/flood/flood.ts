import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequestAuthenticator } from 'svidkit/http';
import { memberOf } from 'svidkit/id';
import type { ReplayStore } from 'svidkit/replay';
import {
  bundlesOf,
  issueSenders,
  PROOFS_ORIGIN,
  presentProof,
  type SenderMaterial,
} from '../../test/support/proof-senders.js';
import type { MintOrder } from './minter.js';

export interface FloodOptions {
  readonly replay: ReplayStore;
  /** How many proofs the noisy workload sends. */
  readonly proofs: number;
  /** How many of them are minted, handed over and presented together. Default 1000. */
  readonly perBatch?: number;
  /** How many of them go before each proof of the quiet workload. Default 200. */
  readonly perQuietProof?: number;
  /** Milliseconds since the epoch, for minting and verifying. Default `Date.now`. */
  readonly clock?: () => number;
  /** Called after each batch; the next one waits for it. */
  readonly onBatch?: (sofar: FloodResult) => unknown;
}

/** How often each outcome came: `accepted`, or the code of the refusal. */
type Outcomes = Readonly<Record<string, number>>;

export interface FloodResult {
  readonly noisy: Outcomes;
  readonly quiet: Outcomes;
  /** How many proofs of both were presented. */
  readonly presented: number;
}

const [NOISY, QUIET] = [0, 1];
/** How many requests are under way at once. */
const AT_ONCE = 50;

type Planned = readonly [sender: number, lifetimeSeconds: number];

/**
 * One workload floods a service with proofs that all hold, of 180 to 300 seconds, while another sends one now and then.
 * Each is minted in another process and goes through the whole request authenticator.
 */
export async function flood(options: FloodOptions): Promise<FloodResult> {
  const { replay, clock = Date.now, onBatch } = options;
  const { materials, bundle } = await issueSenders(['noisy', 'quiet'], clock);
  const authenticate = createRequestAuthenticator({
    ...{ bundles: bundlesOf({ bundle }), audiences: PROOFS_ORIGIN, authorize: memberOf('example.org'), replay, clock },
  });
  const counts: Record<string, number>[] = [{}, {}];
  let presented = 0;
  const present = async ([sender]: Planned, proof: string): Promise<void> => {
    const outcome = await presentProof(authenticate, materials[sender]?.token ?? '', proof);
    const count = counts[sender] ?? {};
    count[outcome] = (count[outcome] ?? 0) + 1;
    presented += 1;
  };
  for await (const { planned, proofs } of minted(batchesOf(options), materials, clock)) {
    for (let at = 0; at < planned.length; at += AT_ONCE) {
      await Promise.all(planned.slice(at, at + AT_ONCE).map((plan, index) => present(plan, proofs[at + index] ?? '')));
    }
    await onBatch?.({ noisy: { ...counts[NOISY] }, quiet: { ...counts[QUIET] }, presented });
  }
  return { noisy: { ...counts[NOISY] }, quiet: { ...counts[QUIET] }, presented };
}

function* batchesOf({ proofs, perBatch = 1000, perQuietProof = 200 }: FloodOptions): Generator<Planned[]> {
  for (let sent = 0; sent < proofs; ) {
    const planned: Planned[] = [];
    for (const end = Math.min(sent + perBatch, proofs); sent < end; sent += 1) {
      planned.push([NOISY, 180 + ((sent * 7) % 121)]);
      if (sent % perQuietProof === perQuietProof - 1) planned.push([QUIET, 180 + ((sent * 11) % 121)]);
    }
    yield planned;
  }
}

/** Each batch with its proofs; the next one is minted while a batch is in use. */
async function* minted(
  batches: Iterable<Planned[]>,
  materials: readonly SenderMaterial[],
  clock: () => number,
): AsyncGenerator<{ planned: readonly Planned[]; proofs: readonly string[] }> {
  const child = fork(new URL('./minter.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  const failed = new AbortController();
  child.once('exit', () => failed.abort(new Error('the process that mints has ended')));
  const order = async (planned: Planned[], first: boolean) => {
    child.send({ ...(first ? { materials } : {}), now: clock(), proofs: planned } satisfies MintOrder);
    const [proofs] = (await once(child, 'message', { signal: failed.signal })) as [string[]];
    return { planned, proofs };
  };
  try {
    let coming: ReturnType<typeof order> | undefined;
    for (const planned of batches) {
      const batch = await coming;
      coming = order(planned, coming === undefined);
      // Whoever waits for it hears of a failure.
      coming.catch(() => undefined);
      if (batch !== undefined) yield batch;
    }
    if (coming !== undefined) yield await coming;
  } finally {
    child.disconnect();
  }
}
