import { setTimeout as sleep } from 'node:timers/promises';
import { Spire } from '../../test/spire/support/spire.js';
import { ownUser } from '../../test/spire/support/users.js';
import type { World } from './world.js';

const TTL_SECONDS = 20;
const OUTAGE_MS = 1_500;

/** A real agent, whose SVIDs live for seconds. All sources of this process are one workload to it. */
export async function openSpireWorld(): Promise<World> {
  const spire = await Spire.start({ x509TtlSeconds: TTL_SECONDS, jwtTtlSeconds: TTL_SECONDS });
  const entry = { path: '/agents/planner', uid: ownUser() };
  let entryId = await spire.commands.createEntry(entry);
  const disturbances = [
    async () => {
      await spire.endAgent('SIGKILL');
      await sleep(OUTAGE_MS);
      await spire.startAgent();
      return 'the agent was killed and is back';
    },
    async () => {
      await spire.commands.deleteEntry(entryId);
      await sleep(2 * OUTAGE_MS);
      entryId = await spire.commands.createEntry(entry);
      return 'the entry was deleted and restored';
    },
    async () => {
      await spire.endServer('SIGTERM');
      await spire.startServer();
      return 'the server was stopped and is back';
    },
  ];
  let turn = 0;
  return {
    addresses: [spire.address],
    kinds: ['x509', 'jwt', 'bundle'],
    disturb: async () => (await disturbances[turn++ % disturbances.length]?.()) ?? 'nothing',
    [Symbol.asyncDispose]: () => spire[Symbol.asyncDispose](),
  };
}
