import { parseX509Bundle, parseX509BundlePem, X509Bundle } from 'svidkit/bundle';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../src/internal/certificate.js';
import { encodePem } from '../../src/internal/pem.js';
import * as der from '../support/der-writer.js';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const one = x509.makeAuthority('one', { uri: 'spiffe://example.org' });
const two = x509.makeAuthority('two');
const both = Buffer.concat([one.der, two.der]);
const codeOfBundle = (...certificates: x509.Made[]) =>
  codeOf(() => parseX509Bundle('example.org', Buffer.concat(certificates.map((made) => made.der))));

describe('X.509 bundles', () => {
  it('are read from DER and from PEM, and written back', () => {
    const bundle = parseX509Bundle('example.org', both);
    expect(bundle.trustDomain.toString()).toBe('spiffe://example.org');
    expect(bundle.authorities.map((authority) => authority.subject)).toEqual(['CN=one', 'CN=two']);
    expect(Buffer.compare(bundle.toDer(), both)).toBe(0);
    expect(parseX509BundlePem('example.org', bundle.toPem()).equals(bundle)).toBe(true);
    expect(parseX509BundlePem('example.org', `comment\n${bundle.toPem()}`).equals(bundle)).toBe(true);
  });

  it('are equal whatever the order, and not when domain, scheme or an authority differs', () => {
    const bundle = parseX509Bundle('example.org', both);
    expect(bundle.equals(x509.bundleOf('example.org', two, one))).toBe(true);
    expect(bundle.equals(x509.bundleOf('example.org', one))).toBe(false);
    expect(x509.bundleOf('example.org', one).equals(x509.bundleOf('example.org', two))).toBe(false);
    expect(bundle.equals(x509.bundleOf('example.com', one, two))).toBe(false);
    expect(bundle.equals(x509.bundleOf('wimse://example.org', one, two))).toBe(false);
  });

  it('hold an authority once and may be empty', () => {
    expect(x509.bundleOf('example.org', one, two, one).authorities).toHaveLength(2);
    expect(parseX509Bundle('example.org', new Uint8Array()).authorities).toEqual([]);
    expect(parseX509BundlePem('example.org', '\n').authorities).toEqual([]);
  });

  it('cannot be changed', () => {
    const bundle = parseX509Bundle('example.org', both);
    expect(() => (bundle.authorities as unknown[]).push(1)).toThrow(TypeError);
    expect(Object.isFrozen(bundle)).toBe(true);
    bundle.toDer().fill(0);
    expect(Buffer.compare(bundle.toDer(), both)).toBe(0);
  });

  it('X509-SVID section 3.2: every authority is a CA that may sign certificates', () => {
    expect(codeOfBundle(one, x509.makeLeaf(one, 'spiffe://example.org/web'))).toBe('not_a_ca');
    const noUsage = x509.makeAuthority('x', { extensions: [x509.basicConstraints(true), x509.keyUsage('cRLSign')] });
    expect(codeOfBundle(noUsage)).toBe('not_a_ca');
    expect(codeOfBundle(x509.makeAuthority('x', { extensions: [x509.basicConstraints(true)] }))).toBe('accepted');
    expect(codeOfBundle(x509.makeAuthority('x', { extensions: [x509.keyUsage('keyCertSign')] }))).toBe('not_a_ca');
  });

  it('threat 5: an authority with a weak, malformed or unknown key is left out and listed', () => {
    const info = (algorithm: der.Der, key: Uint8Array) => der.sequence(algorithm, der.bitString(key));
    const p256 = der.sequence(der.oid('1.2.840.10045.2.1'), der.oid('1.2.840.10045.3.1.7'));
    const weak = x509.makeAuthority('weak', {
      spki: info(der.sequence(der.oid('1.3.101.112')), new Uint8Array(32)),
      uri: 'spiffe://example.org',
    });
    const short = x509.makeAuthority('short', { spki: info(p256, der.bytes(4, 1)) });
    const torn = x509.makeAuthority('torn', {
      spki: info(der.sequence(der.oid('1.2.840.113549.1.1.1'), der.nothing()), der.bytes(0x30, 9)),
    });
    const future = x509.makeAuthority('future', {
      spki: info(der.sequence(der.oid('2.16.840.1.101.3.4.3.18')), new Uint8Array(1952)),
    });
    const bad = [weak, short, torn, future];
    const bundle = parseX509Bundle('example.org', Buffer.concat([...bad, one, weak].map((made) => made.der)));
    expect(bundle.authorities.map((authority) => authority.subject)).toEqual(['CN=one']);
    expect(JSON.parse(JSON.stringify(bundle.ignored))).toEqual(
      [
        ['CN=weak', 'weak_key'],
        ['CN=short', 'malformed_key'],
        ['CN=torn', 'bad_der'],
        ['CN=future', 'unsupported_key'],
      ].map(([subject, rule]) => ({ subject, rule, message: expect.any(String) })),
    );
    expect(bundle.equals(x509.bundleOf('example.org', one))).toBe(true);
    expect(Buffer.compare(bundle.toDer(), one.der)).toBe(0);
    expect(x509.bundleOf('example.org', ...bad).ignored).toHaveLength(4);
    expect(Object.isFrozen(bundle.ignored) && bundle.ignored.every((key) => Object.isFrozen(key))).toBe(true);
  });

  it('threat 5: with every authority ignored the bundle is empty, and verifies nothing', () => {
    const weak = x509.makeAuthority('weak', {
      spki: der.sequence(der.sequence(der.oid('1.3.101.112')), der.bitString(new Uint8Array(32))),
    });
    const bundle = x509.bundleOf('example.org', weak);
    expect(bundle.authorities).toEqual([]);
    const leaf = x509.makeLeaf(weak, 'spiffe://example.org/web');
    const verify = () => verifyX509Svid([leaf.der], x509.sourceOf(bundle), { clock: x509.clock });
    expect(codeOf(verify)).toBe('untrusted');
  });

  it('threat 25: hold at most 1000 authorities', () => {
    const pem = encodePem('CERTIFICATE', one.der);
    const many = (count: number) => [
      codeOf(() => parseX509Bundle('example.org', Buffer.concat(Array(count).fill(one.der)))),
      codeOf(() => parseX509BundlePem('example.org', pem.repeat(count))),
    ];
    expect(many(1000)).toEqual(['accepted', 'accepted']);
    expect(many(1001)).toEqual(['too_large', 'too_large']);
    const blocks = encodePem('CERTIFICATE', der.sequence());
    expect(codeOf(() => parseX509BundlePem('example.org', blocks.repeat(50_000)))).toBe('too_large');
    expect(codeOf(() => parseX509BundlePem('example.org', blocks.repeat(100_000)))).toBe('bad_pem');
  });

  it('refuse what is not DER, or not PEM, or another thing in PEM', () => {
    expect(codeOf(() => parseX509Bundle('example.org', Buffer.concat([both, der.bytes(0)])))).toBe('bad_der');
    expect(codeOf(() => parseX509Bundle('example.org', Buffer.from('not DER')))).toBe('bad_der');
    expect(codeOf(() => parseX509Bundle('example.org', der.sequence()))).toBe('bad_der');
    expect(codeOf(() => parseX509BundlePem('example.org', 'not PEM'))).toBe('bad_pem');
    expect(codeOf(() => parseX509BundlePem('example.org', encodePem('PRIVATE KEY', one.der)))).toBe('bad_pem');
    expect(codeOf(() => parseX509BundlePem('example.org', encodePem('CERTIFICATE', der.bytes(1, 2))))).toBe('bad_der');
    expect(codeOf(() => parseX509BundlePem('example.org', encodePem('CERTIFICATE', both)))).toBe('bad_der');
    expect(codeOf(() => parseX509Bundle('Example.org', both))).toBe('bad_trust_domain');
  });

  it('misuse is a TypeError', () => {
    const loose = parseX509Bundle as (trustDomain: string, der: unknown) => unknown;
    expect(() => loose('example.org', 'text')).toThrow(TypeError);
    expect(() => (parseX509BundlePem as typeof loose)('example.org', both)).toThrow(TypeError);
    expect(() => new X509Bundle('example.org', [both as never])).toThrow(TypeError);
    expect(() => new X509Bundle('example.org', [{ ...parseCertificate(one.der) } as never])).toThrow(TypeError);
  });
});
