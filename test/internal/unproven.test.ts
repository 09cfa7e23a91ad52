import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { concealUntilProven, revealProven } from '../../src/internal/unproven.js';

describe('threat 11: what a token says before a proof', () => {
  it('is revealed for the very object, and for no copy of it', () => {
    const token = Object.freeze({ hash: 'x' });
    concealUntilProven(token, { id: 'spiffe://example.org/a' });
    expect(revealProven(token)).toEqual({ id: 'spiffe://example.org/a' });
    for (const copy of [{ ...token }, structuredClone(token), Object.create(token)]) {
      expect(() => revealProven(copy)).toThrow(TypeError);
    }
  });

  it('is not to be seen on the object', () => {
    const token = {};
    concealUntilProven(token, 'spiffe://example.org/a');
    expect(Reflect.ownKeys(token)).toEqual([]);
    expect(inspect(token, { depth: Infinity, showHidden: true })).not.toContain('spiffe');
  });
});
