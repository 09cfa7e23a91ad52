import { IdError, type IdErrorCode } from 'svidkit/errors';
import { exactly, memberOf, oneOf, parseSpiffeId, parseTrustDomain, SpiffeId, spiffeId } from 'svidkit/id';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/refusals.js';

// What go-spiffe's own tests refuse, and the other tests of this room do not have.

const domain = parseTrustDomain('trustdomain');
/** Characters 0 to 255, so that everything Latin-1 beyond ASCII is there as well. */
const characters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((one) => one !== '/');

describe('SPIFFE-ID section 2.1: a trust domain, character by character', () => {
  it('holds lower-case letters, digits, dots, dashes and underscores alone', () => {
    for (const character of characters) {
      const expected = /^[a-z0-9._-]$/.test(character) ? 'accepted' : 'bad_trust_domain';
      const shown = JSON.stringify(character);
      expect(
        codeOf(() => parseSpiffeId(`spiffe://trustdomain${character}/path`)),
        shown,
      ).toBe(expected);
      expect(
        codeOf(() => parseTrustDomain(`trustdomain${character}`)),
        shown,
      ).toBe(expected);
      expect(
        codeOf(() => parseTrustDomain(`spiffe://trustdomain${character}`)),
        shown,
      ).toBe(expected);
    }
  });

  it.each<[string, IdErrorCode]>([
    ['spiffe:/trustdomain/path', 'bad_path'],
    ['spiffe://', 'empty_trust_domain'],
    ['spiffe:///path', 'bad_path'],
    ['spiffe://trustdomain/', 'bad_path'],
    ['spiffe://trustdomain/path/', 'bad_path'],
    ['spiffe://%F0%9F%A4%AF/path', 'bad_path'],
    ['spiffe://%F0%9F%A4%AF', 'bad_trust_domain'],
    ['spiffe://trustdomain/%F0%9F%A4%AF', 'bad_path'],
    ['SPIFFE://trustdomain', 'wrong_scheme'],
    ['BAD', 'bad_trust_domain'],
  ])('%j is none', (text, code) => {
    expect(codeOf(() => parseTrustDomain(text))).toBe(code);
  });
});

describe('SPIFFE-ID section 2.2: a path, character by character', () => {
  it('holds letters, digits, dots, dashes and underscores alone', () => {
    for (const character of characters) {
      const expected = /^[A-Za-z0-9._-]$/.test(character) ? 'accepted' : 'bad_path';
      const shown = JSON.stringify(character);
      expect(
        codeOf(() => parseSpiffeId(`spiffe://trustdomain/path${character}`)),
        shown,
      ).toBe(expected);
      expect(
        codeOf(() => spiffeId(domain, `path${character}`)),
        shown,
      ).toBe(expected);
    }
  });

  it.each<[string, IdErrorCode]>([
    ['s', 'wrong_scheme'],
    ['spiffe:/', 'wrong_scheme'],
    ['Spiffe://', 'wrong_scheme'],
    ['sparfe://domain1.test/workload', 'wrong_scheme'],
    ['BAD', 'wrong_scheme'],
    ['spiffe:///', 'empty_trust_domain'],
    ['spiffe://trustdomain//', 'empty_segment'],
    ['spiffe://trustdomain/path/./other', 'dot_segment'],
    ['spiffe://trustdomain/.', 'dot_segment'],
    ['spiffe://trustdomain/..', 'dot_segment'],
    ['spiffe://trustdomain/../path', 'dot_segment'],
    ['spiffe://%62%61%64/path', 'bad_trust_domain'],
    ['spiffe://trustdomain/%62%61%64', 'bad_path'],
    ['spiffe://trustdomain/%F0%9F%A4%AF', 'bad_path'],
    ['spiffe://trust$domain', 'bad_trust_domain'],
    ['spiffe://trustdomain/path$', 'bad_path'],
  ])('%j is no identifier', (text, code) => {
    expect(codeOf(() => parseSpiffeId(text))).toBe(code);
  });

  it.each<[readonly string[], IdErrorCode]>([
    [[''], 'empty_segment'],
    [['a', ''], 'empty_segment'],
    [['.'], 'dot_segment'],
    [['..'], 'dot_segment'],
    [['/'], 'bad_path'],
    [['/foo'], 'bad_path'],
    [['$'], 'bad_path'],
  ])('the segments %j make none', (segments, code) => {
    expect(codeOf(() => spiffeId(domain, ...segments))).toBe(code);
  });

  it.each<[string, IdErrorCode]>([
    ['foo', 'bad_path'],
    ['/', 'empty_segment'],
    ['/foo/', 'empty_segment'],
    ['/./foo', 'dot_segment'],
  ])('the path %j is none', (path, code) => {
    expect(codeOf(() => new SpiffeId(domain, path))).toBe(code);
    expect(() => new SpiffeId(domain, path)).toThrow(IdError);
  });
});

describe('authorizers', () => {
  const [foo, fooA, fooB, fooC, barA] = ['foo.test', 'foo.test/A', 'foo.test/B', 'foo.test/sub/C', 'bar.test/A'].map(
    (rest) => parseSpiffeId(`spiffe://${rest}`),
  ) as [SpiffeId, SpiffeId, SpiffeId, SpiffeId, SpiffeId];
  const everybody = [foo, fooA, fooB, fooC, barA];

  it.each([
    ['an identifier with a path', exactly(fooA), [fooA]],
    ['an identifier without one', exactly(foo), [foo]],
    ['a list', oneOf([foo, fooB, fooC, barA]), [foo, fooB, fooC, barA]],
    ['a trust domain', memberOf('foo.test'), [foo, fooA, fooB, fooC]],
    ['another trust domain', memberOf('bar.test'), [barA]],
  ])('%s admits nobody else', (_, authorize, admitted) => {
    expect(everybody.filter(authorize)).toEqual(admitted);
  });
});
