import fc from 'fast-check';
import { IdError, type IdErrorCode } from 'svidkit/errors';
import { parseSpiffeId, parseTrustDomain, SpiffeId, spiffeId, TrustDomain } from 'svidkit/id';
import { describe, expect, it } from 'vitest';

function refusal(attempt: () => unknown): IdErrorCode {
  try {
    attempt();
  } catch (error) {
    if (error instanceof IdError) return error.code;
    throw error;
  }
  throw new Error('was accepted');
}

describe('SPIFFE-ID section 2: what is accepted', () => {
  it.each([
    ['spiffe://example.org', 'example.org', ''],
    ['spiffe://example.org/agents/planner', 'example.org', '/agents/planner'],
    ['spiffe://a', 'a', ''],
    ['spiffe://1.2.3.4/service', '1.2.3.4', '/service'],
    ['spiffe://trust_domain-1.example.org/A.b_c-D/...', 'trust_domain-1.example.org', '/A.b_c-D/...'],
    [`spiffe://${'d'.repeat(255)}`, 'd'.repeat(255), ''],
  ])('%s', (text, name, path) => {
    const id = parseSpiffeId(text);
    expect(id).toBeInstanceOf(SpiffeId);
    expect(id.trustDomain.name).toBe(name);
    expect(id.path).toBe(path);
    expect(id.toString()).toBe(text);
    expect(JSON.stringify({ id })).toBe(JSON.stringify({ id: text }));
  });

  it('section 2.3: 2048 bytes are supported, 2049 are not', () => {
    const longest = `spiffe://example.org/${'p'.repeat(2048 - 'spiffe://example.org/'.length)}`;
    expect(parseSpiffeId(longest).toString()).toHaveLength(2048);
    expect(refusal(() => parseSpiffeId(`${longest}p`))).toBe('too_long');
  });

  it('section 2.3: no identifier of more than 2048 bytes is built from parts', () => {
    const segments = Array.from({ length: 8 }, () => 'p'.repeat(250));
    const rest = 2048 - `spiffe://example.org/${segments.join('/')}/`.length;
    expect(spiffeId('example.org', ...segments, 'p'.repeat(rest)).toString()).toHaveLength(2048);
    expect(refusal(() => spiffeId('example.org', ...segments, 'p'.repeat(rest + 1)))).toBe('too_long');
    const path = `/${segments.join('/')}/${'p'.repeat(rest + 1)}`;
    expect(refusal(() => new SpiffeId(parseTrustDomain('example.org'), path))).toBe('too_long');
  });
});

describe('SPIFFE-ID section 2: what is refused', () => {
  it.each<[string, IdErrorCode]>([
    ['', 'wrong_scheme'],
    ['example.org/agents', 'wrong_scheme'],
    ['http://example.org/agents', 'wrong_scheme'],
    ['SPIFFE://example.org/agents', 'wrong_scheme'],
    [' spiffe://example.org', 'wrong_scheme'],
    ['spiffe:/example.org', 'wrong_scheme'],
    ['spiffe://', 'empty_trust_domain'],
    ['spiffe:///agents', 'empty_trust_domain'],
    ['spiffe://Example.org/agents', 'bad_trust_domain'],
    ['spiffe://example.org:8080/agents', 'bad_trust_domain'],
    ['spiffe://user@example.org/agents', 'bad_trust_domain'],
    ['spiffe://ex%61mple.org/agents', 'bad_trust_domain'],
    ['spiffe://[::1]/agents', 'bad_trust_domain'],
    ['spiffe://exämple.org/agents', 'bad_trust_domain'],
    ['spiffe://example.org?', 'bad_trust_domain'],
    ['spiffe://example.org#', 'bad_trust_domain'],
    ['spiffe://example.org\n', 'bad_trust_domain'],
    ['spiffe://exam\tple.org/agents', 'bad_trust_domain'],
    [`spiffe://${'d'.repeat(256)}`, 'too_long'],
    ['spiffe://example.org/', 'empty_segment'],
    ['spiffe://example.org//agents', 'empty_segment'],
    ['spiffe://example.org/agents/', 'empty_segment'],
    ['spiffe://example.org/./agents', 'dot_segment'],
    ['spiffe://example.org/agents/..', 'dot_segment'],
    ['spiffe://example.org/agents?', 'bad_path'],
    ['spiffe://example.org/agents?x=1', 'bad_path'],
    ['spiffe://example.org/agents#f', 'bad_path'],
    ['spiffe://example.org/agents ', 'bad_path'],
    ['spiffe://example.org/agents\0', 'bad_path'],
    ['spiffe://example.org/ag\\ents', 'bad_path'],
    ['spiffe://example.org/agénts', 'bad_path'],
    ['wimse://example.org/agents', 'wrong_scheme'],
  ])('%j is refused as %s', (text, code) => {
    expect(refusal(() => parseSpiffeId(text))).toBe(code);
  });

  it('threat 32: percent-encoded twins, dot segments and a path smuggled into a segment are refused', () => {
    expect(refusal(() => parseSpiffeId('spiffe://example.org/p%61y'))).toBe('bad_path');
    expect(refusal(() => parseSpiffeId('spiffe://example.org/%2e%2e/pay'))).toBe('bad_path');
    expect(refusal(() => parseSpiffeId('spiffe://example.org/agents/../pay'))).toBe('dot_segment');
    expect(refusal(() => spiffeId('example.org', 'agents/../pay'))).toBe('bad_path');
    expect(refusal(() => new SpiffeId(parseTrustDomain('example.org'), '/../pay'))).toBe('dot_segment');
    expect(refusal(() => new SpiffeId(parseTrustDomain('example.org'), '.evil.org/pay'))).toBe('bad_path');
    expect(refusal(() => new SpiffeId(parseTrustDomain('wimse://example.org'), '/pay'))).toBe('wrong_scheme');
  });

  it('anything but a string is a TypeError', () => {
    expect(() => parseSpiffeId(undefined as unknown as string)).toThrow(TypeError);
    expect(() => parseTrustDomain(7 as unknown as string)).toThrow(TypeError);
  });
});

describe('trust domains', () => {
  it('are read from a name or an identifier', () => {
    expect(parseTrustDomain('example.org').toString()).toBe('spiffe://example.org');
    expect(parseTrustDomain('spiffe://example.org').name).toBe('example.org');
    expect(parseTrustDomain('wimse://example.org').scheme).toBe('wimse');
    const same = parseTrustDomain('example.org');
    expect(parseTrustDomain(same)).toBe(same);
  });

  it.each<[string, IdErrorCode]>([
    ['spiffe://example.org/agents', 'bad_path'],
    ['example.org/agents', 'bad_path'],
    ['', 'empty_trust_domain'],
    ['Example.org', 'bad_trust_domain'],
    ['https://example.org', 'wrong_scheme'],
  ])('%j is refused as %s', (text, code) => {
    expect(refusal(() => parseTrustDomain(text))).toBe(code);
  });

  it('are equal only with scheme and name alike', () => {
    expect(parseTrustDomain('example.org').equals(new TrustDomain('spiffe', 'example.org'))).toBe(true);
    expect(parseTrustDomain('example.org').equals(parseTrustDomain('wimse://example.org'))).toBe(false);
  });
});

describe('properties', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((text) => text !== '.' && text !== '..');
  const name = fc.stringMatching(/^[a-z0-9._-]{1,24}$/);

  it('every identifier built from valid parts reads back to itself', () => {
    fc.assert(
      fc.property(name, fc.array(segment, { maxLength: 5 }), (trustDomain, segments) => {
        const id = spiffeId(trustDomain, ...segments);
        expect(parseSpiffeId(id.toString()).equals(id)).toBe(true);
        expect(id.path).toBe(segments.map((part) => `/${part}`).join(''));
      }),
    );
  });

  it('any text is either refused with an IdError or is the identifier it reads as', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `spiffe://${text}`),
      fc
        .string({ unit: fc.constantFrom('a', '/', '.', '%', '2', 'e', '?', '#', ':', '@', '\n') })
        .map((text) => `spiffe://td/${text}`),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        try {
          expect(parseSpiffeId(text).toString()).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(IdError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
