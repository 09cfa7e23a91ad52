import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson, readJsonObject, readJsonObjectWithBigints } from '../../src/internal/json.js';
import { ReadError } from '../../src/internal/read-error.js';
import { ruleOf } from '../support/refusals.js';

const UNBOUNDED = { maxBytes: Number.POSITIVE_INFINITY };

/** JSON as people write it, with numbers that survive and no member that is refused by name. */
const ordinary = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger().map((n) => n + 0),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((n) => Number(n.toFixed(6)) + 0),
    fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__' && !name.includes('\0')),
      tie('value'),
      { maxKeys: 5 },
    ),
  ),
})).value;

describe('JSON', () => {
  it('reads what JSON.stringify writes, as text and as bytes', () => {
    fc.assert(
      fc.property(ordinary, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(readJson(text, UNBOUNDED)).toEqual(value);
        expect(readJson(Buffer.from(text), UNBOUNDED)).toEqual(value);
      }),
    );
  });

  it('agrees with JSON.parse wherever it accepts, however the text was damaged', () => {
    const texts = fc.oneof(
      ordinary.map((value) => JSON.stringify(value)),
      fc.constantFrom(
        '{"a":[1,-0.5e3,{"b":"\\u00e9\\n"}],"c":null}',
        '[true,false,"\\ud83d\\ude00"]',
        '"\\/\\b\\f\\r\\t"',
      ),
    );
    const junk = fc.constantFrom(...'{}[]",:\\u0123456789eE+-.tfn \t\n\r\0', '\u2028', '\uFEFF', '\u00a0', "'", '/*');
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat(3), junk, (text, position, removed, inserted) => {
        const at = position % (text.length + 1);
        const damaged = text.slice(0, at) + inserted + text.slice(at + removed);
        let value: unknown;
        try {
          value = readJson(damaged, UNBOUNDED);
        } catch (error) {
          expect(error).toBeInstanceOf(ReadError);
          return;
        }
        expect(value).toEqual(JSON.parse(damaged, (_, part) => (part === 0 ? 0 : part)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['nothing', ''],
    ['white space alone', ' \n'],
    ['two values', '{}{}'],
    ['something after the value', '{} x'],
    ['a trailing comma in an object', '{"a":1,}'],
    ['a trailing comma in an array', '[1,]'],
    ['a leading comma', '[,1]'],
    ['a member without a value', '{"a"}'],
    ['a member without quotes', '{a:1}'],
    ['single quotes', "{'a':1}"],
    ['a comment', '{/**/}'],
    ['an open object', '{"a":1'],
    ['an open array', '[1'],
    ['an open string', '"a'],
    ['an unknown escape', '"\\x41"'],
    ['a short escape', '"\\u12"'],
    ['an escape with a sign', '"\\u+123"'],
    ['a newline in a string', '"a\nb"'],
    ['NUL in a string', '"a\0b"'],
    ['a form feed between values', '[\f1]'],
    ['a no-break space', '[\u00a01]'],
    ['a leading zero', '01'],
    ['a leading plus', '+1'],
    ['a number that begins with a dot', '.5'],
    ['a number that ends with a dot', '5.'],
    ['an exponent without digits', '1e'],
    ['a hexadecimal number', '0x10'],
    ['NaN', 'NaN'],
    ['Infinity', '-Infinity'],
    ['upper-case literals', 'TRUE'],
    ['half a literal', 'nul'],
    ['a literal with a tail', 'trueish'],
    ['a full-width digit', '１'],
  ])('refuses %s', (_, text) => {
    expect(ruleOf(() => readJson(text))).toBe('bad_json');
  });

  it('threat 27: refuses a duplicate member at any depth, however it is spelt', () => {
    for (const text of [
      '{"alg":"none","alg":"ES256"}',
      '{"alg":1,"\\u0061lg":1}',
      '{"a":{"b":[{"cnf":1,"x":2,"cnf":1}]}}',
      '{"":1,"":2}',
      '{"toString":1,"toString":2}',
    ]) {
      expect(() => JSON.parse(text)).not.toThrow();
      expect(ruleOf(() => readJson(text))).toBe('duplicate_member');
    }
    expect(readJson('[{"a":1},{"a":1}]')).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it('threat 27: refuses __proto__, and names of Object.prototype are only names', () => {
    expect(ruleOf(() => readJson('{"__proto__":{"admin":true}}'))).toBe('forbidden_member');
    expect(ruleOf(() => readJson('[{"\\u005f_proto__":1}]'))).toBe('forbidden_member');
    const object = readJsonObject('{"constructor":1}');
    expect(Object.getPrototypeOf(object)).toBeNull();
    expect(object['constructor']).toBe(1);
    expect(object['toString']).toBeUndefined();
    expect('hasOwnProperty' in object).toBe(false);
  });

  it('threat 27: refuses a byte order mark, bad UTF-8, NUL and lone surrogates', () => {
    const bytes = (...list: number[]) => Buffer.from([0x22, ...list, 0x22]);
    for (const input of [
      '\uFEFF{}',
      Buffer.from('\uFEFF{}'),
      bytes(0xff),
      bytes(0xc0, 0x80),
      bytes(0xed, 0xa0, 0x80),
      bytes(0xf4, 0x90, 0x80, 0x80),
      bytes(0xe2, 0x82),
      '"\\u0000"',
      '{"a\\u0000":1}',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '"\\ud800x"',
      '"\ud800"',
      '{"\\udfff":1}',
    ]) {
      expect(ruleOf(() => readJson(input))).toBe('bad_text');
    }
    expect(readJson('"\\ud83d\\ude00"')).toBe('😀');
  });

  it('threat 27: refuses claims that are not an object', () => {
    for (const text of ['[]', 'null', '"a"', '1', 'true']) {
      expect(ruleOf(() => readJsonObject(text))).toBe('not_an_object');
    }
  });

  it('threat 23: refuses numbers that a double does not keep', () => {
    for (const text of ['1e999', '-1e999', '9007199254740992', '-9007199254740992', '1e16', '1e-400', '0.00001e-999']) {
      expect(ruleOf(() => readJson(text))).toBe('number_out_of_range');
      expect(() => JSON.parse(text)).not.toThrow();
    }
    expect(ruleOf(() => readJson(`1${'0'.repeat(80)}`))).toBe('number_out_of_range');
    expect(ruleOf(() => readJson(`0.${'1'.repeat(80)}`))).toBe('number_out_of_range');
    expect(readJson('[9007199254740991,-9007199254740991,0.1,1e3,0e5,0.0]')).toEqual([
      Number.MAX_SAFE_INTEGER,
      -Number.MAX_SAFE_INTEGER,
      0.1,
      1000,
      0,
      0,
    ]);
    expect(Object.is(readJson('-0'), 0)).toBe(true);
  });

  it('delivers larger whole numbers as bigint only where that is asked for', () => {
    const text = '{"a":18446744073709551615,"b":1,"c":-9007199254740993}';
    expect(ruleOf(() => readJsonObject(text))).toBe('number_out_of_range');
    expect(readJsonObjectWithBigints(text)).toEqual({ a: 18446744073709551615n, b: 1, c: -9007199254740993n });
    expect(ruleOf(() => readJsonObjectWithBigints('{"a":1e999}'))).toBe('number_out_of_range');
    expect(ruleOf(() => readJsonObjectWithBigints(`{"a":${'9'.repeat(100_000)}}`, UNBOUNDED))).toBe(
      'number_out_of_range',
    );
  });

  it('threat 25: refuses by size before it decodes', () => {
    expect(ruleOf(() => readJson(`"${'a'.repeat(8190)}"`))).toBe('accepted');
    expect(ruleOf(() => readJson(`"${'a'.repeat(8191)}"`))).toBe('too_large');
    expect(ruleOf(() => readJson(Buffer.alloc(20_000_000, 0xff)))).toBe('too_large');
    expect(ruleOf(() => readJson('é'.repeat(10), { maxBytes: 19 }))).toBe('too_large');
    expect(ruleOf(() => readJson(`"${'é'.repeat(9)}"`, { maxBytes: 20 }))).toBe('accepted');
  });

  it('threat 25: refuses by depth, without a deep recursion of its own', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(ruleOf(() => readJson(nested(16)))).toBe('accepted');
    expect(ruleOf(() => readJson(nested(17)))).toBe('too_deep');
    expect(ruleOf(() => readJson('['.repeat(6000)))).toBe('too_deep');
    expect(ruleOf(() => readJson('['.repeat(200_000), UNBOUNDED))).toBe('too_deep');
    expect(ruleOf(() => readJson('{"a":'.repeat(200_000), UNBOUNDED))).toBe('too_deep');
    expect(ruleOf(() => readJson('[[[1]]]', { maxDepth: 2 }))).toBe('too_deep');
  });

  it('threat 25: refuses by the number of members, counted over the whole text', () => {
    const list = (count: number) => `[${Array(count).fill('0').join(',')}]`;
    expect(ruleOf(() => readJson(list(1000)))).toBe('accepted');
    expect(ruleOf(() => readJson(list(1001)))).toBe('too_many_members');
    expect(ruleOf(() => readJson('{"a":[1],"b":[1]}', { maxMembers: 4 }))).toBe('accepted');
    expect(ruleOf(() => readJson('{"a":[1],"b":[1]}', { maxMembers: 3 }))).toBe('too_many_members');
  });

  it('hands out frozen values', () => {
    const value = readJsonObject('{"a":[{"b":1}]}');
    expect(Object.isFrozen(value)).toBe(true);
    expect(Object.isFrozen(value['a'])).toBe(true);
    expect(Object.isFrozen((value['a'] as readonly object[])[0])).toBe(true);
  });

  it('never shows the text in a message', () => {
    for (const text of ['{"secret', '{"secret":1,"secret":1}', '"secret\\ud800"', '{"secret":1e999}']) {
      expect(() => readJson(text)).toThrow(/^(?!.*secret)/);
    }
  });
});
