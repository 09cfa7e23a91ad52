import { describe, expect, it } from 'vitest';
import { readNumericDate } from '../../src/internal/numeric-date.js';

describe('NumericDate', () => {
  it('is a whole number of seconds that a Date can hold', () => {
    expect(readNumericDate(0)).toBe(0);
    expect(readNumericDate(1_765_456_503)).toBe(1_765_456_503);
    const last = readNumericDate(8_640_000_000_000) ?? Number.NaN;
    expect(Number.isNaN(new Date(last * 1000).getTime())).toBe(false);
  });

  it.each([
    undefined,
    null,
    '1765456503',
    1.5,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    8_640_000_000_001,
    5n,
    true,
    [1],
    { valueOf: () => 1 },
  ])('threat 23: refuses %s', (value) => {
    expect(readNumericDate(value)).toBeUndefined();
  });
});
