import { createMemoryReplayStore } from 'svidkit/replay';
import { expect, it } from 'vitest';
import { flood } from '../../scripts/flood/flood.js';

it('threat 18: a workload that floods a service is stopped at its quota and takes nothing from another', async () => {
  const time = { now: 1_750_000_000_000 };
  const clock = (): number => time.now;
  const store = createMemoryReplayStore({ maxEntriesPerSender: 500, maxEntries: 1000, clock });
  let mostEntries = 0;
  const { noisy, quiet } = await flood({
    ...{ replay: store, clock, proofs: 4000, perBatch: 100, perQuietProof: 50 },
    onBatch: () => {
      mostEntries = Math.max(mostEntries, store.size);
      time.now += 20_000;
    },
  });
  expect(quiet).toEqual({ accepted: 80 });
  expect(mostEntries).toBeLessThanOrEqual(500 + 80);
  expect(Object.keys(noisy).sort()).toEqual(['accepted', 'replay_store_full']);
  expect(noisy['replay_store_full']).toBeGreaterThan(2000);
  // Room that entries leave when they end is given out again.
  expect(noisy['accepted']).toBeGreaterThan(1000);
  time.now += 400_000;
  expect(store.size).toBe(0);
}, 60_000);
