import { createMemoryReplayStore } from 'svidkit/replay';
import { expect, it } from 'vitest';
import { floodStore } from '../support/flood-store.js';

it('threat 18: a workload that floods the store is stopped at its quota and takes nothing from another', async () => {
  const time = { now: 1_750_000_000_000 };
  const store = createMemoryReplayStore({ maxEntriesPerSender: 2000, maxEntries: 4000, clock: () => time.now });
  const { noisy, quiet, mostEntries } = await floodStore(store, time, { proofs: 50_000, perSecond: 250 });
  expect([...quiet]).toEqual([['fresh', 200]]);
  expect(mostEntries).toBeLessThanOrEqual(2000 + 200);
  expect(noisy.get('sender_full')).toBeGreaterThan(40_000);
  // Room that entries leave when they end is given out again.
  expect(noisy.get('fresh')).toBeGreaterThan(2000);
  time.now += 400_000;
  expect(store.size).toBe(0);
});
