/** A process that mints and presents proofs, as one replica of a service is given them. Started by `presenters.ts`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRequestAuthenticator } from '../../../src/http/index.js';
import { memberOf } from '../../../src/id/index.js';
import { createRedisReplayStore } from '../../../src/replay/index.js';
import { bundlesOf, openMint, PROOFS_ORIGIN, presentProof } from '../../support/proof-senders.js';
import { connectRedis } from './clients.js';
import type { Answer, Order, PresenterSetup, Proof, Report } from './presenters.js';

/** How many presentations are under way at once. */
const AT_ONCE = 64;
/** After which answers a proof is presented again, as an impatient thief would: those of a store that cannot tell. */
const NO_VERDICT: ReadonlySet<string> = new Set(['store_failed', 'store_timeout', 'server_changed']);
const PAUSE_MS = 200;

process.once('message', async (setup: PresenterSetup) => {
  const open = await connectRedis(setup.url);
  const { materials } = setup.senders;
  const mint = openMint(materials);
  const authenticate = createRequestAuthenticator({
    bundles: bundlesOf(setup.senders),
    audiences: PROOFS_ORIGIN,
    authorize: memberOf('example.org'),
    replay: createRedisReplayStore({ client: open.client, ...setup.store }),
    ...setup.verifying,
  });
  const answer = (message: Answer): void => void process.send?.(message);

  async function present(proofs: readonly Proof[]): Promise<Report> {
    const report: Report = { outcomes: [], refusals: {} };
    const waiting = [...proofs];
    const worker = async (): Promise<void> => {
      for (let proof = waiting.shift(); proof !== undefined; proof = waiting.shift()) {
        const [number, sender, token] = proof;
        const outcome = await presentProof(authenticate, materials[sender]?.token ?? '', token);
        if (NO_VERDICT.has(outcome)) {
          report.refusals[outcome] = (report.refusals[outcome] ?? 0) + 1;
          waiting.push(proof);
          await sleep(PAUSE_MS);
        } else {
          report.outcomes.push([number, outcome]);
          if (report.outcomes.length % 250 === 0) answer({ done: report.outcomes.length });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return report;
  }

  process.on('message', async (order: Order) => {
    if ('present' in order) return answer({ report: await present(order.present) });
    const { numbers, lifetimeSeconds } = order.mint;
    const minted = numbers.map(async (number): Promise<Proof> => {
      const sender = number % materials.length;
      return [number, sender, await mint(sender, lifetimeSeconds)];
    });
    answer({ minted: await Promise.all(minted) });
  });
  process.once('disconnect', () => void open[Symbol.asyncDispose]());
  answer({ ready: true });
});
