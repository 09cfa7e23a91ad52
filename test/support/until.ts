import { expect } from 'vitest';

/** An expectation that is asked again until it holds: often, because most of what is waited for is near. */
export function until<T>(probe: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(probe, { interval: 5, timeout: 10_000 });
}
