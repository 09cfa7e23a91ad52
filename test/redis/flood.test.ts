import { createRedisReplayStore } from 'svidkit/replay';
import { expect, it } from 'vitest';
import { flood } from '../../scripts/flood/flood.js';
import { list } from '../support/figures.js';
import { connectRedis } from './support/clients.js';
import { RedisServer } from './support/redis-server.js';

it('threat 18: a workload that floods a service is stopped at its quota on the server and takes nothing from another', async () => {
  const server = await RedisServer.start();
  await using open = await connectRedis(server.url);
  const maxEntriesPerSender = 5000;
  const replay = createRedisReplayStore({ client: open.client, maxEntriesPerSender, timeoutMs: 30_000 });
  await replay.endWaiting();
  const bytesUsed = async (): Promise<number> =>
    Number(/used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1]);
  const before = await bytesUsed();
  let [mostKeys, mostBytes] = [0, 0];
  const { noisy, quiet, presented } = await flood({
    ...{ replay, proofs: 30_000 },
    onBatch: async () => {
      mostKeys = Math.max(mostKeys, Number(await server.command('DBSIZE')));
      mostBytes = Math.max(mostBytes, (await bytesUsed()) - before);
    },
  });
  console.log(
    `${presented} proofs; noisy: ${list(noisy)}; quiet: ${list(quiet)}; at most ${mostKeys} keys in ${mostBytes} bytes`,
  );
  expect(quiet).toEqual({ accepted: 150 });
  expect(Object.keys(noisy).sort()).toEqual(['accepted', 'replay_store_full']);
  expect(noisy['accepted']).toBeGreaterThanOrEqual(maxEntriesPerSender);
  // Beside the entries: a count for each of the two, and the partition.
  expect(mostKeys).toBeLessThanOrEqual(maxEntriesPerSender + 150 + 3);
  expect(mostBytes).toBeLessThan(maxEntriesPerSender * 500);
});
