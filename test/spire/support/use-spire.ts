import { afterAll, beforeAll, beforeEach } from 'vitest';
import { Spire, type SpireOptions } from './spire.js';

/** One SPIRE for all tests of a `describe` block or file; what it logged is printed when a test fails. */
export function useSpire(options?: SpireOptions): () => Spire {
  let spire: Spire | undefined;
  const get = (): Spire => {
    if (spire === undefined) throw new Error('SPIRE has not been started');
    return spire;
  };
  beforeAll(async () => {
    spire = await Spire.start(options);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => console.error(spire?.report()));
  });
  afterAll(async () => {
    await spire?.[Symbol.asyncDispose]();
  });
  return get;
}
