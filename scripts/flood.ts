// One workload floods a service with a million proofs that all hold, each minted and signed in another process, while a
// second workload sends one now and then; all go through the request authenticator and one replay store in memory:
//   npm run flood
//   npm run flood -- --proofs 50000
// Prints a line every second. Fails when the second workload was refused once, or when the process held more memory than
// the quotas of the store account for (see HEAP_BOUND).
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createMemoryReplayStore } from 'svidkit/replay';
import { count, list, megabytes } from '../test/support/figures.js';
import { type FloodResult, flood } from './flood/flood.js';

const REPORT_EVERY_MS = 1_000;
const COLLECT_EVERY_MS = 10_000;
const WARM_UP_PROOFS = 5_000;
/**
 * What the heap may grow by, in bytes: 15 MB for the 100,000 entries that one sender may have, twice over for tables
 * that double, and 10 MB for batches on their way.
 */
const HEAP_BOUND = 40e6;
/** What the process may grow by: the same, with what V8 leaves uncollected between two collections. */
const RSS_BOUND = 150e6;

const { values } = parseArgs({ options: { proofs: { type: 'string', default: '1000000' } } });
const proofs = Number(values.proofs);
if (!Number.isSafeInteger(proofs) || proofs < 1) throw new TypeError('--proofs takes a whole number, at least 1');
if (globalThis.gc === undefined) throw new Error('run with node --expose-gc, as `npm run flood` does');

console.log(
  `Warming up with ${count(WARM_UP_PROOFS)} proofs, so that what is loaded and compiled once does not count.`,
);
await flood({ replay: createMemoryReplayStore(), proofs: WARM_UP_PROOFS });
const before = await atRest();
console.log(`at rest before:  ${show(before)}`);

let ahead = 0;
const store = createMemoryReplayStore({ clock: () => Date.now() + ahead });
const peak = { heap: 0, rss: 0, held: 0, entries: 0 };
const started = performance.now();
let [reported, collected] = [started, started];
let seen = 0;
const result = await flood({ replay: store, proofs, onBatch: report });
const seconds = (performance.now() - started) / 1000;
look();
collect();
// Everything has expired then, and the next look at the store drops it.
ahead = 400_000;
const left = store.size;
const after = await atRest();

console.log(`the noisy workload: ${list(result.noisy)}`);
console.log(`the quiet workload: ${list(result.quiet)}`);
console.log(
  `${count(result.presented)} proofs in ${seconds.toFixed(0)} s: ${count(result.presented / seconds)} a second`,
);
console.log(
  `at the peak:     heap ${megabytes(peak.heap)} (${megabytes(peak.held)} of it in use), rss ${megabytes(peak.rss)}, ${count(peak.entries)} entries`,
);
console.log(`at rest after:   ${show(after)}, ${left} entries once all have expired`);

const faults = [
  ...(Object.keys(result.quiet).every((outcome) => outcome === 'accepted') ? [] : ['the quiet workload was refused']),
  ...(peak.held - before.heap <= HEAP_BOUND ? [] : [`the heap grew by ${megabytes(peak.held - before.heap)}`]),
  ...(peak.rss - before.rss <= RSS_BOUND ? [] : [`the process grew by ${megabytes(peak.rss - before.rss)}`]),
  ...(left === 0 ? [] : ['entries were left that have expired']),
];
for (const fault of faults) console.error(`FAILED: ${fault}`);
console.log(faults.length === 0 ? 'The flood stayed within its bounds.' : 'The flood got out of its bounds.');
process.exitCode = faults.length === 0 ? 0 : 1;

function report({ noisy, quiet, presented }: FloodResult): void {
  look();
  const now = performance.now();
  if (now - reported < REPORT_EVERY_MS) return;
  if (now - collected >= COLLECT_EVERY_MS) {
    collect();
    collected = now;
  }
  const rate = (presented - seen) / ((now - reported) / 1000);
  [reported, seen] = [now, presented];
  const time = `${((now - started) / 1000).toFixed(0)} s`.padStart(6);
  const entries = `${count(store.size)} entries, ${show(process.memoryUsage())}`;
  console.log(`${time}: ${count(rate)} a second; noisy ${list(noisy)}; quiet ${list(quiet)}; ${entries}`);
}

function look(): void {
  const { heapUsed, rss } = process.memoryUsage();
  peak.heap = Math.max(peak.heap, heapUsed);
  peak.rss = Math.max(peak.rss, rss);
  peak.entries = Math.max(peak.entries, store.size);
}

function collect(): void {
  globalThis.gc?.();
  peak.held = Math.max(peak.held, process.memoryUsage().heapUsed);
}

async function atRest(): Promise<{ heap: number; rss: number }> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await sleep(100);
  }
  const { heapUsed: heap, rss } = process.memoryUsage();
  return { heap, rss };
}

function show(memory: { heap?: number; heapUsed?: number; rss: number }): string {
  return `heap ${megabytes(memory.heap ?? memory.heapUsed ?? 0)}, rss ${megabytes(memory.rss)}`;
}
