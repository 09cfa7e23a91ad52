import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DerReader, readDer, Tag } from '../../src/internal/der.js';
import {
  readBoolean,
  readInteger,
  readNamedBits,
  readOctetAlignedBits,
  readOid,
  readSmallInteger,
  readTime,
} from '../../src/internal/der-values.js';
import { ReadError } from '../../src/internal/read-error.js';
import * as der from '../support/der-writer.js';
import { ruleOf } from '../support/refusals.js';

const one = (bytes: der.Der) => new DerReader(bytes).any('it');
const readAll = (bytes: der.Der) => {
  const visit = (reader: DerReader): void => {
    while (!reader.done) {
      const element = reader.any('it');
      if ((element.tag & 0x20) !== 0) visit(element.children('it'));
    }
  };
  visit(new DerReader(bytes));
};

describe('X.690 section 10.1: lengths', () => {
  it.each<[string, readonly number[]]>([
    ['indefinite', [0x30, 0x80, 0x00, 0x00]],
    ['long form of a short length', [0x04, 0x81, 0x01, 0x00]],
    ['long form with a leading zero', [0x04, 0x82, 0x00, 0x80, ...Array(0x80).fill(0)]],
    ['more octets than four', [0x04, 0x85, 0, 0, 0, 0, 1, 0]],
    ['reserved', [0x04, 0xff, 0]],
    ['past the end', [0x04, 0x02, 0x00]],
    ['past the end, by four gigabytes', [0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ['cut inside the length', [0x04, 0x82, 0x01]],
    ['no length', [0x04]],
    ['nothing', []],
  ])('threat 25: %s is refused', (_, octets) => {
    expect(ruleOf(() => one(der.bytes(...octets)))).toBe('bad_der');
  });

  it.each([0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000])('%d octets are read', (length) => {
    const content = new Uint8Array(length).fill(7);
    expect(Buffer.compare(one(der.octetString(content)).content, content)).toBe(0);
  });

  it('an element does not reach into its neighbour: the length of a child is bounded by its parent', () => {
    const bytes = der.bytes(0x30, 0x02, 0x04, 0x03, 0x01, 0x02, 0x03);
    const parent = new DerReader(bytes).expect(Tag.sequence, 'it');
    expect(ruleOf(() => parent.children('it').any('it'))).toBe('bad_der');
  });
});

describe('structure', () => {
  it('refuses trailing bytes, another tag, a high tag number and a primitive sequence', () => {
    expect(ruleOf(() => readDer(der.bytes(0x30, 0x00, 0x00), Tag.sequence, 'it', 100))).toBe('bad_der');
    expect(ruleOf(() => readDer(der.bytes(0x31, 0x00), Tag.sequence, 'it', 100))).toBe('bad_der');
    expect(ruleOf(() => one(der.bytes(0x1f, 0x10, 0x00)))).toBe('bad_der');
    expect(ruleOf(() => one(der.bytes(0x10, 0x00)).children('it'))).toBe('bad_der');
  });

  it('refuses a reader that has not come to its end', () => {
    const reader = new DerReader(der.nothing());
    expect(ruleOf(() => reader.end('it'))).toBe('bad_der');
    reader.any('it');
    expect(ruleOf(() => reader.end('it'))).toBe('accepted');
    expect(reader.peek()).toBeUndefined();
    expect(reader.optional(Tag.null, 'it')).toBeUndefined();
  });

  it('threat 25: 6000 levels are refused by depth, a megabyte by size', () => {
    let deep = der.nothing();
    for (let level = 0; level < 6000; level += 1) deep = der.sequence(deep);
    expect(ruleOf(() => readAll(deep))).toBe('too_large');
    expect(ruleOf(() => readDer(der.octetString(new Uint8Array(1 << 20)), Tag.octetString, 'it', 65_536))).toBe(
      'too_large',
    );
  });

  it('whatever the bytes, the reader ends with a result or a ReadError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        try {
          readAll(new Uint8Array(input));
        } catch (error) {
          expect(error).toBeInstanceOf(ReadError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('values', () => {
  const values = (octets: readonly number[], tag: number) => one(der.element(tag, der.bytes(...octets)));

  it('X.690 section 11.1: a boolean is 00 or FF', () => {
    expect(readBoolean(values([0x00], Tag.boolean), 'it')).toBe(false);
    expect(readBoolean(values([0xff], Tag.boolean), 'it')).toBe(true);
    for (const octets of [[], [0x01], [0xfe], [0xff, 0xff]]) {
      expect(ruleOf(() => readBoolean(values(octets, Tag.boolean), 'it'))).toBe('bad_der');
    }
  });

  it('X.690 section 8.3.2: an integer has no octet that it does not need', () => {
    for (const octets of [[], [0x00, 0x00], [0x00, 0x7f], [0xff, 0x80], [0xff, 0xff, 0x00]]) {
      expect(ruleOf(() => readInteger(values(octets, Tag.integer), 'it'))).toBe('bad_der');
    }
    for (const octets of [[0x00], [0x7f], [0x00, 0x80], [0x80], [0xff, 0x7f]]) {
      expect(readInteger(values(octets, Tag.integer), 'it')).toEqual(der.bytes(...octets));
    }
  });

  it('small integers are from 0 to 2^31 - 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7fffffff }), (value) => {
        expect(readSmallInteger(one(der.integer(value)), 'it')).toBe(value);
      }),
    );
    for (const octets of [[0x80], [0xff], [0x00, 0x80, 0, 0, 0], [0x01, 0, 0, 0, 0]]) {
      expect(ruleOf(() => readSmallInteger(values(octets, Tag.integer), 'it'))).toBe('bad_der');
    }
  });

  it('object identifiers are read in dotted form, arcs of 128 bits included', () => {
    for (const dotted of [
      '0.9.2342.19200300.100.1.25',
      '1.2.840.113549.1.1.11',
      '2.5.29.17',
      '2.999.3',
      '2.25.340282366920938463463374607431768211455',
    ]) {
      expect(readOid(one(der.oid(dotted)), 'it')).toBe(dotted);
    }
    for (const octets of [[], [0x80, 0x01], [0x2a, 0x80, 0x01], [0x2a, 0x86], Array(65).fill(1)]) {
      expect(ruleOf(() => readOid(values(octets, Tag.objectIdentifier), 'it'))).toBe('bad_der');
    }
  });

  it('X.690 section 11.2.2: named bits have no trailing zeros, and the unused ones are zero', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 20 })), (positions) => {
        const sorted = [...positions].sort((a, b) => a - b);
        expect(readNamedBits(one(der.namedBits(...positions)), 'it')).toEqual(sorted);
      }),
    );
    for (const octets of [[], [8, 0x80], [1], [7, 0xc0], [0, 0x80], [5, 0x80], [6, 0x80], [0, 0x80, 0x00], [7, 0x00]]) {
      expect(ruleOf(() => readNamedBits(values(octets, Tag.bitString), 'it'))).toBe('bad_der');
    }
  });

  it('a signature is a bit string of whole octets', () => {
    expect(readOctetAlignedBits(one(der.bitString(der.bytes(1, 2))), 'it')).toEqual(der.bytes(1, 2));
    for (const octets of [[], [1, 0x02], [7, 0x80]]) {
      expect(ruleOf(() => readOctetAlignedBits(values(octets, Tag.bitString), 'it'))).toBe('bad_der');
    }
  });

  it.each([
    [Tag.utcTime, '491231235959Z', Date.UTC(2049, 11, 31, 23, 59, 59)],
    [Tag.utcTime, '500101000000Z', Date.UTC(1950, 0, 1)],
    [Tag.utcTime, '240229120000Z', Date.UTC(2024, 1, 29, 12)],
    [Tag.generalizedTime, '99991231235959Z', Date.UTC(9999, 11, 31, 23, 59, 59)],
    [Tag.generalizedTime, '20500101000000Z', Date.UTC(2050, 0, 1)],
  ])('RFC 5280 section 4.1.2.5: time %d %s', (tag, text, expected) => {
    expect(readTime(one(der.element(tag, Buffer.from(text))), 'it')).toBe(expected);
  });

  it.each([
    [Tag.utcTime, '2401010000Z'],
    [Tag.utcTime, '240101000000+0000'],
    [Tag.utcTime, '20240101000000Z'],
    [Tag.utcTime, '230229000000Z'],
    [Tag.utcTime, '240101240000Z'],
    [Tag.utcTime, '240101000060Z'],
    [Tag.utcTime, '241301000000Z'],
    [Tag.utcTime, '240100000000Z'],
    [Tag.generalizedTime, '20240101000000.5Z'],
    [Tag.generalizedTime, '20240101000000'],
    [Tag.generalizedTime, '240101000000Z'],
    [Tag.utf8String, '20240101000000Z'],
  ])('RFC 5280 section 4.1.2.5: time %d %s is refused', (tag, text) => {
    expect(ruleOf(() => readTime(one(der.element(tag, Buffer.from(text))), 'it'))).toBe('bad_der');
  });
});
