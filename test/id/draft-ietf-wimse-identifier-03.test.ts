import { IdError } from 'svidkit/errors';
import { parseSpiffeId, parseTrustDomain, parseWorkloadId, SpiffeId, WorkloadId } from 'svidkit/id';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/refusals.js';

describe('workload identifiers', () => {
  it.each([
    'wimse://example.com/specific-workload',
    'wimse://example.com',
    'wimse://example.com/a/b;v=1/c@d:e',
    'wimse://example.com/100%25/caf%C3%A9',
    'spiffe://example.org/agents/planner',
  ])('%s is accepted as it stands', (text) => {
    const id = parseWorkloadId(text);
    expect(id.toString()).toBe(text);
    expect(id instanceof SpiffeId).toBe(text.startsWith('spiffe:'));
    expect(parseWorkloadId(id)).toBe(id);
  });

  it('one of the spiffe scheme is a SpiffeId, however it is made', () => {
    const [spiffe, wimse] = [parseTrustDomain('example.org'), parseTrustDomain('wimse://example.org')];
    expect(codeOf(() => new WorkloadId(spiffe, '/a'))).toBe('wrong_scheme');
    expect(codeOf(() => new (class extends WorkloadId {})(spiffe, '/a'))).toBe('wrong_scheme');
    expect(parseSpiffeId(new SpiffeId(spiffe, '/a')).toString()).toBe('spiffe://example.org/a');
    expect(parseWorkloadId(new WorkloadId(wimse, '/a')).toString()).toBe('wimse://example.org/a');
  });

  it.each([
    ['another scheme', 'https://example.com/workload'],
    ['no authority', 'wimse:///workload'],
    ['userinfo', 'wimse://user@example.com/workload'],
    ['a port', 'wimse://example.com:443/workload'],
    ['a query', 'wimse://example.com/workload?x'],
    ['an empty query', 'wimse://example.com/workload?'],
    ['a fragment', 'wimse://example.com/workload#x'],
    ['an IPv4 address', 'wimse://192.0.2.1/workload'],
    ['an IPv6 address', 'wimse://[2001:db8::1]/workload'],
    ['upper case in the trust domain', 'wimse://Example.com/workload'],
    ['a dot segment', 'wimse://example.com/a/../b'],
    ['a trailing slash', 'wimse://example.com/a/'],
    ['a stray percent sign', 'wimse://example.com/100%'],
  ])('%s is refused', (_, text) => {
    expect(() => parseWorkloadId(text)).toThrow(IdError);
  });

  it('threat 32: a path has one spelling, so percent-encoding is refused where a shorter spelling exists', () => {
    for (const twin of ['%61dmin', 'admi%6E', '%41', '%30', '%2D', '%2E%2E', '%5F', '%7E', '%c3', 'caf%c3%a9']) {
      expect(() => parseWorkloadId(`wimse://example.com/${twin}`), twin).toThrow(IdError);
    }
    expect(parseWorkloadId('wimse://example.com/a%2Fb').path).toBe('/a%2Fb');
  });

  it('threat 7: the same name under two schemes is two trust domains', () => {
    const spiffe = parseWorkloadId('spiffe://example.com/pay');
    const wimse = parseWorkloadId('wimse://example.com/pay');
    expect(spiffe.equals(wimse)).toBe(false);
    expect(spiffe.trustDomain.equals(wimse.trustDomain)).toBe(false);
  });
});
