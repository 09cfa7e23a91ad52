import fc from 'fast-check';
import { HttpSignatureError } from 'svidkit/errors';
import { describe, expect, it } from 'vitest';
import { serializeDictionary } from '../../src/http-signature/serialize-fields.js';
import { type Dictionary, readDictionary } from '../../src/http-signature/structured-fields.js';
import { codeOf } from '../support/refusals.js';

const canonical = (members: Dictionary): string =>
  serializeDictionary(Array.from(members, ([key, { value }]) => [key, value] as const));
const again = (text: string): string => canonical(readDictionary(text));

describe('a dictionary of RFC 8941', () => {
  it.each([
    ['', ''],
    ['   ', ''],
    ['a=1', 'a=1'],
    ['  a=1  ', 'a=1'],
    ['a', 'a'],
    ['a=?1', 'a'],
    ['a=?0', 'a=?0'],
    ['a=?1;b=?1;c=?0', 'a;b;c=?0'],
    ['a=1,b=2 \t,\t c', 'a=1, b=2, c'],
    ['a=-0', 'a=0'],
    ['a=007', 'a=7'],
    ['a=-999999999999999', 'a=-999999999999999'],
    ['a=1.0', 'a=1.0'],
    ['a=1.50', 'a=1.5'],
    ['a=-0.0', 'a=0.0'],
    ['a=999999999999.999', 'a=999999999999.999'],
    ['a=0.050', 'a=0.05'],
    ['a="x \\"y\\" \\\\"', 'a="x \\"y\\" \\\\"'],
    ['a=to/k:en*', 'a=to/k:en*'],
    ['a=*t', 'a=*t'],
    ['a=::', 'a=::'],
    ['a=:AQID:', 'a=:AQID:'],
    ['a=:YQ==:', 'a=:YQ==:'],
    ['a=()', 'a=()'],
    ['a=(  "x"   y;q=1  );p', 'a=("x" y;q=1);p'],
    ['a;  b;c=1', 'a;b;c=1'],
    ['*a-_.*=1', '*a-_.*=1'],
    ['__proto__=1', undefined],
  ])('%j is read as %j', (text, expected) => {
    if (expected === undefined) expect(codeOf(() => readDictionary(text))).toBe('bad_structured_field');
    else expect(again(text)).toBe(expected);
  });

  it.each([
    'A=1',
    'a=',
    'a=1,',
    ',a',
    'a=1 b=2',
    'a=1,,b=2',
    '1a=1',
    'a =1',
    'a= 1',
    'a=1;',
    'a=1;B',
    'a=1 ;b',
    'a=1;b=',
    'a="x',
    'a="x\\n"',
    'a="\u00e9"',
    'a="\t"',
    'a="\n"',
    'a=\u00e9',
    'a=:AQI:',
    'a=:AQI =:',
    'a=:YR==:',
    'a=:AQ-_:',
    'a=:AQID',
    'a=?2',
    'a=?',
    'a=-',
    'a=1.',
    'a=.1',
    'a=1.2345',
    'a=1234567890123.1',
    'a=1234567890123456',
    'a=1e3',
    'a=+1',
    'a=--1',
    'a=(',
    'a=("x"',
    'a=("x""y")',
    'a=("x",y)',
    'a=(("x"))',
    'a=(\t"x")',
    'a=@123',
    'a=%"x"',
    'a\n=1',
    '\ta=1',
  ])('%j is refused', (text) => {
    expect(codeOf(() => readDictionary(text))).toBe('bad_structured_field');
  });

  it.each(['a=1, a=2', 'a, b, a', 'a=1;p;p', 'a=1;p=1;q;p=2', 'a=("x";p;p)', 'a=();p;p'])(
    'threat 34: %j says something twice and is refused',
    (text) => {
      expect(codeOf(() => readDictionary(text))).toBe('duplicate_member');
    },
  );

  it('threat 35: keeps the types apart', () => {
    const types = Array.from(readDictionary('a=1, b=1.0, c="1", d=x1, e=:AQ==:, f').values(), ({ value }) =>
      value.kind === 'item' ? value.value.type : value.kind,
    );
    expect(types).toEqual(['integer', 'decimal', 'string', 'token', 'bytes', 'boolean']);
  });

  it('remembers the text of each member', () => {
    const members = readDictionary('a=( "x"  );p=1.50 , b;c,d=:AQ==:');
    expect(Array.from(members, ([key, { text }]) => [key, text])).toEqual([
      ['a', '( "x"  );p=1.50'],
      ['b', ';c'],
      ['d', ':AQ==:'],
    ]);
  });

  it('threat 25: refuses what is too long, and takes the longest in good time', () => {
    expect(codeOf(() => readDictionary('a'.repeat(16_385)))).toBe('too_large');
    for (const filler of [' ', '(', ';a', '"', '\\"', ':', '1', 'a,']) {
      codeOf(() => readDictionary(`a=${filler.repeat(16_000 / filler.length)}x`));
    }
    expect(codeOf(() => readDictionary(`a="${'\\"'.repeat(8_000)}"`))).toBe('accepted');
  });
});

/** Texts that are nearly structured fields. */
const alphabet = [...'ab1*_-.0 \t,;=()":\\?@%/+AZ', 'a=', '?1', ';p', '="x"', '=1.0', ':AQ==:', '"\\"', '\u00e9', '\n'];
const nearly = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 30 });

describe('any text', () => {
  it('is refused with a code, or has one canonical spelling that means the same', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string({ unit: 'binary', maxLength: 30 })), (text) => {
        let members: Dictionary;
        try {
          members = readDictionary(text);
        } catch (error) {
          expect(error).toBeInstanceOf(HttpSignatureError);
          return;
        }
        accepted += 1;
        const spelling = canonical(members);
        const reread = readDictionary(spelling);
        expect(canonical(reread)).toBe(spelling);
        expect(withoutText(reread)).toEqual(withoutText(members));
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(20);
  });

  it('is written so that it is read again, whatever the values', () => {
    const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,8}$/);
    const bare = fc.oneof(
      fc.integer().map((value) => ({ type: 'integer', value }) as const),
      fc.integer({ min: -1e9, max: 1e9 }).map((value) => ({ type: 'decimal', value: value / 1000 }) as const),
      fc.stringMatching(/^[ -~]{0,12}$/).map((value) => ({ type: 'string', value }) as const),
      fc
        .stringMatching(/^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]{0,8}$/)
        .map((value) => ({ type: 'token', value }) as const),
      fc.uint8Array({ maxLength: 12 }).map((value) => ({ type: 'bytes', value }) as const),
      fc.boolean().map((value) => ({ type: 'boolean', value }) as const),
    );
    const parameters = fc.array(fc.tuple(key, bare), { maxLength: 3 }).map((entries) => new Map(entries));
    const item = fc.record({ kind: fc.constant('item' as const), value: bare, parameters });
    const list = fc.record({
      kind: fc.constant('inner-list' as const),
      items: fc.array(item, { maxLength: 3 }),
      parameters,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.oneof(item, list)), { maxLength: 4 }), (entries) => {
        const members = new Map(entries);
        const text = serializeDictionary(members);
        const read = readDictionary(text);
        expect(canonical(read)).toBe(text);
        expect(withoutText(read)).toEqual([...members]);
      }),
    );
  });
});

function withoutText(members: Dictionary): unknown {
  return Array.from(members, ([key, { value }]) => [key, value]);
}
