import { createPublicKey } from 'node:crypto';
import { createRedisReplayStore } from 'svidkit/replay';
import { mintWpt } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { authority, wit, workload } from '../support/wit-domain.js';
import { connectRedis } from './support/clients.js';
import { dealTwice, type PresenterTask, present, progressOf, tally } from './support/presenters.js';
import { type Persistence, RedisServer } from './support/redis-server.js';

/** A server on which nobody has to wait. */
async function freshServer(persistence: Persistence, policy: PresenterTask['store']['afterServerChange']) {
  const server = await RedisServer.start({ persistence });
  await using open = await connectRedis(server.url);
  await createRedisReplayStore({ client: open.client, afterServerChange: policy }).endWaiting();
  return server;
}

describe('four processes that share one server', () => {
  it('threat 17: accept exactly 100,000 of 100,000 proofs that are each presented twice at once', async () => {
    const proofs = 100_000;
    const server = await freshServer('none', 'refuse');
    const store = { timeoutMs: 30_000 };
    const tasks = dealTwice(proofs).map((indices) => ({
      ...{ url: server.url, store, indices, lifetimeMs: 300_000, persist: false },
    }));
    const started = Date.now();
    const result = tally(await present(tasks, { onProgress: progressOf('four processes', 2 * proofs) }));
    console.log(`${Math.round((2 * proofs) / ((Date.now() - started) / 1000))} presentations a second`);
    expect(result).toEqual({
      acceptedTimes: { 1: proofs },
      outcomes: { accepted: proofs, replayed: proofs },
      refusals: {},
    });
  });

  it('threat 17: accept exactly 2,000 of 2,000 requests with real proofs that are each sent twice at once', async () => {
    const proofs = 2000;
    const server = await freshServer('none', 'refuse');
    const now = Math.floor(Date.now() / 1000);
    const token = wit({ claims: { iat: now, exp: now + 3600 } });
    const credential = { token, key: workload, alg: 'ES256', expiresAt: new Date((now + 3600) * 1000) } as const;
    const requests = await Promise.all(
      Array.from({ length: proofs }, async () => {
        const proof = await mintWpt(credential, { audience: 'https://tools.example.org/orders', lifetimeSeconds: 300 });
        return ['Workload-Identity-Token', token, 'Authorization', `WPT ${proof}`];
      }),
    );
    const pem = createPublicKey(authority).export({ type: 'spki', format: 'pem' }).toString();
    const tasks = dealTwice(proofs).map((indices) => ({
      ...{ url: server.url, store: { timeoutMs: 30_000 }, indices, lifetimeMs: 0, persist: false },
      ...{ requests, authority: pem },
    }));
    expect(tally(await present(tasks))).toMatchObject({
      acceptedTimes: { 1: proofs },
      outcomes: { accepted: proofs, replayed: proofs },
    });
  });
});

/** Kills and restarts the server as soon as a tenth of the presentations are answered. */
function killOnce(
  server: RedisServer,
  total: number,
): { onProgress: (done: number) => void; ended: () => Promise<void> } {
  const progress = progressOf('with a killed server', total);
  let restart: Promise<void> | undefined;
  return {
    onProgress: (done) => {
      progress(done);
      if (done >= total / 10) restart ??= server.restart();
    },
    ended: async () => {
      expect(restart, 'the server was killed').toBeDefined();
      await restart;
    },
  };
}

describe('four processes whose server is killed and started again', () => {
  it('threat 17: accept nothing twice where the server has lost nothing', async () => {
    const proofs = 20_000;
    const server = await freshServer('always', 'trust_persistence');
    const store = { timeoutMs: 5000, afterServerChange: 'trust_persistence' as const };
    const tasks = dealTwice(proofs).map((indices) => ({
      ...{ url: server.url, store, indices, lifetimeMs: 300_000, persist: true },
    }));
    const { onProgress, ended } = killOnce(server, 2 * proofs);
    const { acceptedTimes, outcomes, refusals } = tally(await present(tasks, { onProgress }));
    await ended();
    console.log({ acceptedTimes, outcomes, refusals });
    expect(Object.keys(acceptedTimes).filter((times) => Number(times) > 1)).toEqual([]);
    // What was stored just before the kill, without the answer getting out, counts as used and was never accepted.
    expect(acceptedTimes[0] ?? 0).toBeLessThanOrEqual(4 * 64);
    expect((acceptedTimes[0] ?? 0) + (acceptedTimes[1] ?? 0)).toBe(proofs);
    expect(refusals['store_failed']).toBeGreaterThan(0);
  });

  /** Proofs of six seconds, each presented when it is made and by another process two seconds later. */
  async function presentEarlyAndLate(afterServerChange: 'refuse' | 'accept') {
    const proofs = 8000;
    const lifetimeMs = 6000;
    const server = await freshServer('none', afterServerChange);
    const store = { timeoutMs: 5000, longestLifetimeSeconds: 7, clockSkewSeconds: 1, afterServerChange };
    const schedule = { startAt: Date.now() + 4000, perSecond: 400 };
    const tasks = [0, 1, 2, 3].map((process) => ({
      ...{ url: server.url, store, lifetimeMs, persist: true, schedule, lateMs: process < 2 ? 0 : 2000 },
      indices: Array.from({ length: proofs / 2 }, (_, index) => 2 * index + (process % 2)),
    }));
    const { onProgress, ended } = killOnce(server, 2 * proofs);
    const result = tally(await present(tasks, { onProgress }));
    await ended();
    console.log(afterServerChange, result);
    return result;
  }

  it('threat 17: accept nothing twice where the server has lost everything, and nothing at all until all has expired', async () => {
    const { acceptedTimes, outcomes, refusals } = await presentEarlyAndLate('refuse');
    expect(Object.keys(acceptedTimes).sort()).toEqual(['0', '1']);
    expect(Object.keys(refusals).sort()).toEqual(['server_changed', 'store_failed']);
    expect(outcomes['expired']).toBeGreaterThan(0);
    // Four of the twenty seconds before the kill, eight of waiting, and eight in which all went well again.
    expect(acceptedTimes[1]).toBeGreaterThan(8 * 400);
  });

  it('threat 17: accept proofs twice there when told to go on, which is what waiting is for', async () => {
    const { acceptedTimes } = await presentEarlyAndLate('accept');
    expect(acceptedTimes[2]).toBeGreaterThan(0);
  });
});
