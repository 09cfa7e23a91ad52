import { createRedisReplayStore } from 'svidkit/replay';
import { afterAll, describe, expect, it } from 'vitest';
import { connectRedis } from './support/clients.js';
import { presentTwice, printFigures, type RunOptions, type Tally } from './support/present-twice.js';
import { Presenters, type PresentersOptions } from './support/presenters.js';
import { type Persistence, RedisServer } from './support/redis-server.js';

afterAll(printFigures);

/** A server on which nobody has to wait. */
async function freshServer(persistence: Persistence, store: PresentersOptions['store']) {
  const server = await RedisServer.start({ persistence });
  await using open = await connectRedis(server.url);
  await createRedisReplayStore({ client: open.client, ...store }).endWaiting();
  return server;
}

describe('four processes that share one server', () => {
  it('threat 17: accept exactly 100,000 of 100,000 proofs that are each presented twice at once', async () => {
    const proofs = 100_000;
    const store = { timeoutMs: 30_000 };
    const server = await freshServer('none', store);
    await using presenters = await Presenters.start({ url: server.url, store });
    const { acceptedTimes, outcomes, refusals } = await presentTwice(presenters, {
      ...{ name: 'four processes', proofs, perBatch: 5000, lifetimeSeconds: 300, second: 'at once' },
    });
    expect({ acceptedTimes, outcomes, refusals }).toEqual({
      acceptedTimes: { 1: proofs },
      outcomes: { accepted: proofs, replayed: proofs },
      refusals: {},
    });
  });
});

type Killed = Pick<PresentersOptions, 'store' | 'verifying'> &
  Omit<RunOptions, 'second' | 'onDone'> & { readonly persistence: Persistence };

/** Kills and restarts the server as soon as half of the presentations have their verdict. */
async function killedHalfway({ persistence, store, verifying, ...run }: Killed): Promise<Tally> {
  const server = await freshServer(persistence, store);
  await using presenters = await Presenters.start({ url: server.url, store, ...(verifying && { verifying }) });
  let restart: Promise<void> | undefined;
  const tally = await presentTwice(presenters, {
    ...run,
    second: 'half a batch later',
    onDone: (done) => {
      if (done >= run.proofs) restart ??= server.restart();
    },
  });
  expect(restart, 'the server was killed').toBeDefined();
  await restart;
  return tally;
}

const timesAccepted = ({ acceptedTimes }: Tally): string[] => Object.keys(acceptedTimes).sort();

describe('four processes whose server is killed and started again', () => {
  it('threat 17: accept nothing twice where the server has lost nothing', async () => {
    const proofs = 100_000;
    const tally = await killedHalfway({
      ...{ name: 'killed, appendfsync always', proofs, perBatch: 5000, lifetimeSeconds: 300 },
      persistence: 'always',
      store: { timeoutMs: 30_000, afterServerChange: 'trust_persistence' },
    });
    const { acceptedTimes, outcomes, refusals } = tally;
    expect(timesAccepted(tally).filter((times) => Number(times) > 1)).toEqual([]);
    // What was stored just before the kill, without the answer getting out, counts as used and was never accepted.
    expect(acceptedTimes[0] ?? 0).toBeLessThanOrEqual(4 * 64);
    expect(Object.keys(outcomes).sort()).toEqual(['accepted', 'replayed']);
    expect(Object.keys(refusals)).toEqual(['store_failed']);
  });

  /** Proofs that may live half a minute at most, and a server that forgets all of them. */
  const forgetful = (name: string, proofs: number, afterServerChange: 'refuse' | 'accept'): Killed => ({
    ...{ name, proofs, perBatch: 2000, lifetimeSeconds: 30, persistence: 'none' },
    store: { timeoutMs: 30_000, longestLifetimeSeconds: 32, clockSkewSeconds: 1, afterServerChange },
    verifying: { proofMaxLifetimeSeconds: 30, proofLeewaySeconds: 1 },
  });

  it('threat 17: accept nothing twice where the server has lost everything, and nothing at all until all has expired', async () => {
    const proofs = 40_000;
    const tally = await killedHalfway(forgetful('killed, no persistence', proofs, 'refuse'));
    expect(timesAccepted(tally)).toEqual(['0', '1']);
    expect(Object.keys(tally.refusals).sort()).toEqual(['server_changed', 'store_failed']);
    expect(tally.outcomes['expired']).toBeGreaterThan(0);
    // All of the batch in which the server was killed has expired when the waiting ends; then all goes well again.
    expect(tally.lastAccepted).toBeGreaterThan(proofs / 2 + 2 * 2000);
  });

  it('threat 17: accept proofs twice there when told to go on, which is what waiting is for', async () => {
    const tally = await killedHalfway(forgetful('killed, no persistence, told to go on', 10_000, 'accept'));
    expect(tally.acceptedTimes[2]).toBeGreaterThan(0);
  });
});
