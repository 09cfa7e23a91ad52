import { assert as check, double, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelays } from '../../src/internal/backoff.js';

describe('backoffDelays', () => {
  it('doubles its bound up to the limit, and starts again after a reset', () => {
    const backoff = backoffDelays({ initialMs: 100, maxMs: 500, random: () => 0.5 });
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([50, 100, 200, 250, 250]);
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });

  it('takes any part of the bound, from nothing to nearly all (full jitter)', () => {
    check(
      property(
        integer({ min: 1, max: 1e6 }),
        integer({ min: 1, max: 1e6 }),
        double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (initialMs, maxMs, part) => {
          const backoff = backoffDelays({ initialMs, maxMs, random: () => part });
          for (let attempt = 0; attempt < 40; attempt += 1) {
            const bound = Math.min(initialMs * 2 ** attempt, maxMs);
            expect(backoff.next()).toBe(Math.floor(part * bound));
          }
        },
      ),
    );
  });

  it('uses a random part when none is injected', () => {
    const backoff = backoffDelays({ initialMs: 1_000_000, maxMs: 1_000_000 });
    expect(new Set(Array.from({ length: 20 }, () => backoff.next())).size).toBeGreaterThan(1);
  });

  it('refuses bounds that are none, and those that no timer holds', () => {
    for (const bad of [0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
      expect(() => backoffDelays({ initialMs: bad, maxMs: 1 })).toThrow(TypeError);
      expect(() => backoffDelays({ initialMs: 1, maxMs: bad })).toThrow(TypeError);
    }
    expect(() => backoffDelays({ initialMs: 1, maxMs: 3e9 })).toThrow('backoff.maxMs');
    expect(() => backoffDelays({ initialMs: 1, maxMs: 3e9 })).toThrow('2147483647');
    const longest = 2 ** 31 - 1;
    expect(backoffDelays({ initialMs: longest, maxMs: longest, random: () => 0.5 }).next()).toBe(2 ** 30 - 1);
  });
});
