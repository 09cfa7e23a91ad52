import fc from 'fast-check';
import { base64url as jose } from 'jose';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../src/internal/base64url.js';
import { ruleOf } from '../support/refusals.js';

describe('base64url', () => {
  it('reads back what it writes, and writes what jose writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = encodeBase64url(bytes);
        expect(text).toBe(jose.encode(bytes));
        expect(decodeBase64url(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it('writes the bytes of a view, not of the buffer behind it', () => {
    expect(encodeBase64url(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toBe('AgM');
  });

  it('gives bytes that share nothing with the pool of Node', () => {
    expect(decodeBase64url('AgM').buffer.byteLength).toBe(2);
  });

  it('reads the empty text as no bytes', () => {
    expect(decodeBase64url('')).toEqual(new Uint8Array());
  });

  it.each([
    ['padding', 'AA=='],
    ['padding of nothing', '='],
    ['a space', 'AA AA'],
    ['a trailing newline', 'AAAA\n'],
    ['a leading tab', '\tAAAA'],
    ['the alphabet of plain base64', '+/+/'],
    ['bits after the last byte of one', 'AB'],
    ['bits after the last byte of two', 'AAB'],
    ['a length that no bytes give', 'A'],
    ['a length that no bytes give, further on', 'AAAAA'],
    ['a letter outside ASCII', 'AAÄA'],
    ['NUL', 'AAA\0'],
    ['a dot', 'AA.A'],
  ])('threat 26: refuses %s', (_, text) => {
    expect(ruleOf(() => decodeBase64url(text))).toBe('bad_base64url');
  });

  it('threat 26: refuses spellings that jose takes for the same bytes', () => {
    for (const text of ['AA==', 'AB', 'A A', '-_8\n']) {
      expect(() => jose.decode(text)).not.toThrow();
      expect(ruleOf(() => decodeBase64url(text))).toBe('bad_base64url');
    }
  });

  it('threat 25: takes texts of megabytes without running out of stack', () => {
    const long = 'A'.repeat(12_000_000);
    expect(decodeBase64url(long)).toHaveLength(9_000_000);
    expect(ruleOf(() => decodeBase64url(`${long}AB`))).toBe('bad_base64url');
    expect(ruleOf(() => decodeBase64url(`${long}*`))).toBe('bad_base64url');
  });

  it('threat 26: accepts no text that it would write otherwise', () => {
    const text = fc.string({ unit: fc.constantFrom(...'AQgwBCz019-_', '=', '+', '/', ' ', '\n'), maxLength: 12 });
    fc.assert(
      fc.property(text, (candidate) => {
        const rule = ruleOf(() => expect(encodeBase64url(decodeBase64url(candidate))).toBe(candidate));
        expect(['accepted', 'bad_base64url']).toContain(rule);
      }),
      { numRuns: 500 },
    );
  });
});
