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

  it('refuses bounds that are none', () => {
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => backoffDelays({ initialMs: bad, maxMs: 1 })).toThrow(TypeError);
      expect(() => backoffDelays({ initialMs: 1, maxMs: bad })).toThrow(TypeError);
    }
  });
});
