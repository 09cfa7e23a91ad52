import { describe, expect, it } from 'vitest';
import { delayOption, intervalOption, LONGEST_TIMER_MS, limitTimer } from '../../src/internal/timers.js';

const BEYOND = [LONGEST_TIMER_MS + 1, 3e9, Number.POSITIVE_INFINITY];

describe('timers that hold no more than 2^31 - 1 ms', () => {
  it('a limit beyond that is none, and not one of a millisecond', () => {
    for (const limit of BEYOND) expect(limitTimer(limit, () => expect.unreachable())).toBeUndefined();
    for (const limit of [1, LONGEST_TIMER_MS]) {
      const timer = limitTimer(limit, () => {});
      expect(timer).toBeDefined();
      clearTimeout(timer);
    }
  });

  it('a delay or an interval beyond that is misuse, and the message says the bound', () => {
    for (const value of [...BEYOND, -1, Number.NaN, '5' as never]) {
      expect(() => delayOption('quietMs', value)).toThrow(TypeError);
      expect(() => intervalOption('pollMs', value)).toThrow(TypeError);
    }
    expect(() => delayOption('quietMs', 3e9)).toThrow(/quietMs .*2147483647/);
    expect(() => intervalOption('pollMs', 3e9)).toThrow(/pollMs .*2147483647/);
    expect(() => intervalOption('pollMs', 0)).toThrow(TypeError);
    expect([delayOption('quietMs', 0), delayOption('quietMs', LONGEST_TIMER_MS)]).toEqual([0, LONGEST_TIMER_MS]);
    expect([intervalOption('pollMs', 0.5), intervalOption('pollMs', LONGEST_TIMER_MS)]).toEqual([
      0.5,
      LONGEST_TIMER_MS,
    ]);
  });
});
