import { setTimeout } from 'node:timers/promises';

/**
 * Lets what is on its way within this process arrive: as many turns of the event loop as it can need, however long one
 * of them takes. Fake timers do not hold it up.
 */
export async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await setTimeout(5);
}
