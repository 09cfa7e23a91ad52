import { anyId, exactly, memberOf, oneOf, parseWorkloadId, under } from 'svidkit/id';
import { describe, expect, it } from 'vitest';

const id = parseWorkloadId;

describe('authorizers', () => {
  it('threat 32: exactly admits the same bytes and nothing beside them', () => {
    const authorize = exactly('spiffe://example.org/pay');
    expect(authorize(id('spiffe://example.org/pay'))).toBe(true);
    for (const other of [
      'spiffe://example.org/payroll',
      'spiffe://example.org/pay/x',
      'spiffe://example.org/Pay',
      'spiffe://example.org',
      'spiffe://other.org/pay',
      'wimse://example.org/pay',
    ]) {
      expect(authorize(id(other)), other).toBe(false);
    }
  });

  it('oneOf admits the listed identifiers', () => {
    const authorize = oneOf(['spiffe://example.org/a', id('wimse://example.org/b')]);
    expect(authorize(id('spiffe://example.org/a'))).toBe(true);
    expect(authorize(id('wimse://example.org/b'))).toBe(true);
    expect(authorize(id('spiffe://example.org/b'))).toBe(false);
  });

  it('memberOf admits a trust domain of one scheme, subdomains excluded', () => {
    const authorize = memberOf('example.org');
    expect(authorize(id('spiffe://example.org/a/b'))).toBe(true);
    expect(authorize(id('spiffe://a.example.org/b'))).toBe(false);
    expect(authorize(id('spiffe://example.org.evil/b'))).toBe(false);
    expect(authorize(id('wimse://example.org/a'))).toBe(false);
    expect(memberOf('wimse://example.org')(id('wimse://example.org/a'))).toBe(true);
  });

  it('threat 32: under matches whole segments below the path only', () => {
    const authorize = under('spiffe://example.org/pay');
    expect(authorize(id('spiffe://example.org/pay/eu/1'))).toBe(true);
    expect(authorize(id('spiffe://example.org/pay'))).toBe(false);
    expect(authorize(id('spiffe://example.org/payroll/1'))).toBe(false);
    expect(authorize(id('spiffe://other.org/pay/1'))).toBe(false);
    expect(authorize(id('wimse://example.org/pay/1'))).toBe(false);
  });

  it('threat 32: an empty policy root or an empty list is a TypeError, not a policy that admits', () => {
    expect(() => under('spiffe://example.org')).toThrow(TypeError);
    expect(() => oneOf([])).toThrow(TypeError);
    expect(() => oneOf('spiffe://example.org/a')).toThrow(TypeError);
    expect(() => exactly('')).toThrow();
    expect(() => memberOf('')).toThrow();
  });

  it('threat 33: admitting everybody must be spelled out', () => {
    expect(anyId()(id('spiffe://anywhere.example/x'))).toBe(true);
  });
});
