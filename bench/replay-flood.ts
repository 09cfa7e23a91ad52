/**
 * One workload floods the replay store in memory with a million proofs that all hold, while another sends one every
 * second. Run it with `node --expose-gc --import tsx bench/replay-flood.ts`; it ends with an error when the quiet
 * workload was ever refused or the memory grew beyond its bound.
 */
import assert from 'node:assert/strict';
import { createMemoryReplayStore, type ReplayVerdict } from '../src/replay/index.js';
import { floodStore } from '../test/support/flood-store.js';

const BOUND = 40e6;

const time = { now: Date.now() };
const store = createMemoryReplayStore({ clock: () => time.now });
const heap = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const before = heap();
let most = 0;
const started = performance.now();
const result = await floodStore(store, time, {
  proofs: 1_000_000,
  perSecond: 10_000,
  onSecond: (second) => {
    if (second % 10 === 0) most = Math.max(most, heap() - before);
  },
});
const seconds = (performance.now() - started) / 1000;

const count = (verdicts: ReadonlyMap<ReplayVerdict, number>): string =>
  Array.from(verdicts, ([verdict, times]) => `${times.toLocaleString('en')} ${verdict}`).join(', ');
console.log(`the noisy workload: ${count(result.noisy)}`);
console.log(`the quiet workload: ${count(result.quiet)}`);
console.log(
  `entries held at most: ${result.mostEntries.toLocaleString('en')}, in ${(most / 1e6).toFixed(1)} MB of heap`,
);
console.log(`${Math.round(1_000_000 / seconds).toLocaleString('en')} inserts a second, hashing of keys included`);

assert.deepEqual([...result.quiet.keys()], ['fresh'], 'the quiet workload was refused');
assert.ok(most < BOUND, `the store took ${most} bytes`);
