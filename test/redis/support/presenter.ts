/** A process that presents proofs to the shared store, as one replica of a service does. Started by `presenters.ts`. */
import { createPublicKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WitBundle } from '../../../src/bundle/index.js';
import { isSvidkitError } from '../../../src/errors/index.js';
import { createRequestAuthenticator } from '../../../src/http/index.js';
import { memberOf } from '../../../src/id/index.js';
import { createRedisReplayStore, type ReplayStore } from '../../../src/replay/index.js';
import { connectRedis } from './clients.js';
import type { Outcome, PresenterReport, PresenterTask, Schedule } from './presenters.js';

/** How many presentations are under way at once. */
const AT_ONCE = 64;

process.once('message', async (task: PresenterTask) => {
  await using open = await connectRedis(task.url);
  const store = createRedisReplayStore({ client: open.client, ...task.store });
  const present = task.requests === undefined ? presentEntries(store, task) : presentRequests(store, task);
  const report: PresenterReport = { outcomes: [], refusals: {} };
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < task.indices.length; index = next++) {
      const proof = task.indices[index] ?? 0;
      if (task.schedule !== undefined) await sleep(madeAt(task.schedule, proof) + (task.lateMs ?? 0) - Date.now());
      report.outcomes.push([proof, await untilAnswered(() => present(proof), task, report)]);
      if (report.outcomes.length % 1000 === 0) process.send?.({ done: report.outcomes.length });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.send?.({ report }, () => process.disconnect());
});

/** Presents the same proof again for as long as the store cannot answer, as an impatient thief would. */
async function untilAnswered(
  present: () => Promise<Outcome>,
  task: PresenterTask,
  { refusals }: PresenterReport,
): Promise<Outcome> {
  for (;;) {
    const outcome = await present();
    if (outcome === 'accepted' || outcome === 'replayed' || outcome === 'expired') return outcome;
    refusals[outcome] = (refusals[outcome] ?? 0) + 1;
    if (!task.persist) return outcome;
    await sleep(20);
  }
}

function madeAt({ startAt, perSecond }: Schedule, proof: number): number {
  return startAt + (proof / perSecond) * 1000;
}

function presentEntries(
  store: ReplayStore,
  { lifetimeMs, schedule }: PresenterTask,
): (proof: number) => Promise<Outcome> {
  return async (proof) => {
    const expiresAt = (schedule === undefined ? Date.now() : madeAt(schedule, proof)) + lifetimeMs;
    try {
      const entry = { key: `proof-${proof}`, sender: `spiffe://example.org/agents/${proof % 10}`, expiresAt };
      const verdict = await store.insert(entry);
      return verdict === 'fresh' ? 'accepted' : verdict;
    } catch (error) {
      return codeOf(error) === 'expired_entry' ? 'expired' : codeOf(error);
    }
  };
}

function presentRequests(
  replay: ReplayStore,
  { requests = [], authority = '' }: PresenterTask,
): (proof: number) => Promise<Outcome> {
  const bundle = new WitBundle('spiffe://example.org', [{ kid: 'k1', key: createPublicKey(authority) }]);
  const authenticate = createRequestAuthenticator({
    bundles: { getWitBundle: () => bundle },
    audiences: 'https://tools.example.org',
    authorize: memberOf('example.org'),
    replay,
  });
  return async (proof) => {
    try {
      await authenticate({ rawHeaders: requests[proof] ?? [], url: '/orders' });
      return 'accepted';
    } catch (error) {
      return codeOf(error);
    }
  };
}

function codeOf(error: unknown): string {
  if (isSvidkitError(error)) return error.code;
  throw error;
}
