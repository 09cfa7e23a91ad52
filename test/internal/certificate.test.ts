import 'reflect-metadata';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { X509Certificate as PeculiarCertificate } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { type Certificate, parseCertificate, parseCertificates } from '../../src/internal/certificate.js';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { ruleOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const root = x509.makeAuthority('root', { pathLength: 1, uri: 'spiffe://example.org' });
const subject = der.sequence(
  x509.attribute('2.5.4.6', der.printable('US')),
  x509.attribute('2.5.4.10', der.utf8('SPIRE')),
);
const leaf = x509.makeLeaf(root, 'spiffe://example.org/web', {
  subject,
  serial: der.integer(0xa1b2c3n),
  names: [
    x509.uri('spiffe://example.org/web'),
    x509.dns('web.test'),
    x509.ip(127, 0, 0, 1),
    x509.ip(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    x509.email('ops@example.org'),
    x509.directory(x509.name('elsewhere')),
  ],
  more: [
    x509.authorityKeyId(root),
    x509.subjectKeyId(der.bytes(1, 2, 3)),
    x509.extension('1.2.3.4', false, der.bytes(0xff)),
  ],
});
const ruleFor = (spec: x509.CertificateSpec) =>
  ruleOf(() => parseCertificate(x509.makeCertificate({ subject: 'x', ...spec }).der));
const ruleWith = (...extensions: der.Der[]) => ruleFor({ extensions });
const keyRule = (spki: der.Der) =>
  ruleOf(() => parseCertificate(x509.makeCertificate({ subject: 'x', spki }).der).publicKey);

describe('a certificate as it is read', () => {
  const certificate = parseCertificate(leaf.der);

  it('has the fields that were written', () => {
    expect(certificate.subject).toBe('C=US, O=SPIRE');
    expect(certificate.issuer).toBe('CN=root');
    expect(certificate.serialNumber).toBe('A1B2C3');
    expect(certificate.notBefore).toEqual(new Date(x509.NOW - 3_600_000));
    expect(certificate.notAfter).toEqual(new Date(x509.NOW + 3_600_000));
    expect(certificate.uriSans).toEqual(['spiffe://example.org/web']);
    expect(certificate.dnsSans).toEqual(['web.test']);
    expect(certificate.ipSans).toEqual(['127.0.0.1', '2001:db8::1']);
    expect(certificate.emailSans).toEqual(['ops@example.org']);
    expect(certificate.isCa).toBe(false);
    expect(certificate.pathLength).toBeUndefined();
    expect(certificate.keyUsage).toEqual(new Set(['digitalSignature']));
    expect(certificate.extendedKeyUsage).toEqual([x509.SERVER_AUTH, x509.CLIENT_AUTH]);
    expect(certificate.criticalExtensions).toEqual(['2.5.29.15', '2.5.29.17']);
    expect(certificate.signatureAlgorithm).toBe('ecdsa-with-SHA256');
    expect(certificate.subjectKeyId).toBe('010203');
    expect(certificate.authorityKeyId).toBe(Buffer.from(root.keyId).toString('hex'));
    expect(certificate.publicKey.equals(leaf.keys.publicKey)).toBe(true);
    expect(certificate.publicKey).toBe(certificate.publicKey);
  });

  it('cannot be changed by whoever it is shared with', () => {
    expect(Object.isFrozen(certificate)).toBe(true);
    for (const name of ['isCa', 'publicKey', 'notAfter', 'equals']) {
      expect(() => Object.defineProperty(certificate, name, { value: true }), name).toThrow(TypeError);
    }
    expect(() => Object.setPrototypeOf(certificate, null)).toThrow(TypeError);
  });

  it('an authority has its constraints', () => {
    const authority = parseCertificate(root.der);
    expect(authority.isCa).toBe(true);
    expect(authority.pathLength).toBe(1);
    expect(authority.keyUsage).toEqual(new Set(['keyCertSign', 'cRLSign']));
    expect(authority.extendedKeyUsage).toBeUndefined();
  });

  it.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'] as const)('says what node:crypto says: %s', (kind) => {
    const made = x509.makeAuthority(`of ${kind}`, { kind, uri: 'spiffe://example.org' });
    agrees(parseCertificate(made.der), new X509Certificate(made.der));
  });

  it('says what node:crypto and @peculiar/x509 say of a leaf', () => {
    agrees(certificate, new X509Certificate(leaf.der));
    const other = new PeculiarCertificate(leaf.der);
    expect(Number.parseInt(other.serialNumber, 16)).toBe(Number.parseInt(certificate.serialNumber, 16));
    expect(other.notBefore).toEqual(certificate.notBefore);
    expect(other.notAfter).toEqual(certificate.notAfter);
    expect(other.extensions).toHaveLength(6);
  });

  it('is not changed by anything done to its input or to what it gives out', () => {
    const input = leaf.der.slice();
    const copy = parseCertificate(input);
    input.fill(0);
    copy.der.fill(0);
    copy.notAfter.setTime(0);
    (copy.keyUsage as Set<string>).add('keyCertSign');
    expect(copy.equals(certificate)).toBe(true);
    expect(copy.notAfter).toEqual(certificate.notAfter);
    expect(copy.keyUsage).toEqual(certificate.keyUsage);
    expect(Object.isFrozen(copy.extendedKeyUsage)).toBe(true);
    expect(inspect(copy, { showHidden: true, depth: Number.POSITIVE_INFINITY })).not.toContain('Uint8Array');
  });

  it('concatenated certificates are read in order, and nothing may stand between or after them', () => {
    expect(parseCertificates(Buffer.concat([leaf.der, root.der]), 2).map((one) => one.subject)).toEqual([
      'C=US, O=SPIRE',
      'CN=root',
    ]);
    expect(parseCertificates(new Uint8Array(), 1)).toEqual([]);
    expect(ruleOf(() => parseCertificates(Buffer.concat([leaf.der, der.bytes(0)]), 2))).toBe('bad_der');
    expect(ruleOf(() => parseCertificates(Buffer.concat([leaf.der, root.der.subarray(0, -1)]), 2))).toBe('bad_der');
    expect(ruleOf(() => parseCertificate(Buffer.concat([leaf.der, root.der])))).toBe('bad_der');
  });
});

describe('RFC 5280 section 4.1: what is refused', () => {
  it('version 1 and 2, spelled out or left out', () => {
    expect(ruleFor({ version: der.explicit(0, der.integer(1)) })).toBe('bad_certificate');
    expect(ruleFor({ version: der.explicit(0, der.integer(3)) })).toBe('bad_certificate');
    expect(ruleFor({ version: der.bytes() })).toBe('bad_certificate');
  });

  it('a serial number that is negative, padded or over 20 octets', () => {
    expect(ruleFor({ serial: der.integer(der.bytes(0x80)) })).toBe('bad_der');
    expect(ruleFor({ serial: der.integer(der.bytes(0, 1)) })).toBe('bad_der');
    expect(ruleFor({ serial: der.integer(new Uint8Array(21).fill(1)) })).toBe('bad_certificate');
    expect(ruleFor({ serial: der.integer(new Uint8Array(20).fill(1)) })).toBe('accepted');
  });

  it('a signature algorithm outside the signed part that is not the one inside', () => {
    const sha384 = der.sequence(der.oid('1.2.840.10045.4.3.3'));
    expect(ruleFor({ outerAlgorithm: sha384 })).toBe('bad_certificate');
    expect(ruleFor({ outerAlgorithm: der.sequence(der.oid('1.2.840.10045.4.3.2'), der.nothing()) })).toBe(
      'bad_certificate',
    );
  });

  it('a time of another type and a validity with more in it', () => {
    const start = der.time(new Date(x509.NOW));
    expect(ruleFor({ validity: der.sequence(start, der.utf8('490101000000Z')) })).toBe('bad_der');
    expect(ruleFor({ validity: der.sequence(start, start, start) })).toBe('bad_der');
  });

  it('extensions that are empty, repeated, too many, or spell their default', () => {
    const usage = x509.keyUsage('digitalSignature');
    expect(ruleFor({ extensionList: der.sequence() })).toBe('bad_der');
    expect(ruleWith(usage, usage)).toBe('bad_certificate');
    expect(ruleWith(x509.extension('1.2.3', false, der.bytes()), x509.extension('1.2.3', true, der.bytes()))).toBe(
      'bad_certificate',
    );
    const many = Array.from({ length: 65 }, (_, index) => x509.extension(`1.2.3.${index}`, false, der.bytes()));
    expect(ruleWith(...many)).toBe('bad_certificate');
    expect(ruleWith(der.sequence(der.oid('1.2.3'), der.boolean(false), der.octetString(der.bytes())))).toBe('bad_der');
    expect(ruleWith(x509.extension('2.5.29.19', true, der.sequence(der.boolean(false))))).toBe('bad_der');
    expect(ruleWith(x509.extension('2.5.29.19', true, der.sequence(der.element(1, der.bytes(1)))))).toBe('bad_der');
  });

  it('constraints that do not fit together', () => {
    expect(ruleWith(x509.basicConstraints(false, 1))).toBe('bad_certificate');
    expect(ruleWith(x509.extension('2.5.29.15', true, der.namedBits()))).toBe('bad_certificate');
    expect(ruleWith(x509.purposes())).toBe('bad_certificate');
    expect(ruleWith(x509.subjectAltName([]))).toBe('bad_certificate');
    expect(ruleWith(x509.nameConstraints([]))).toBe('bad_certificate');
    const withMinimum = der.sequence(der.explicit(0, der.sequence(x509.dns('a'), der.implicit(0, der.bytes(1)))));
    expect(ruleWith(x509.extension('2.5.29.30', true, withMinimum))).toBe('bad_certificate');
    expect(ruleWith(x509.nameConstraints([x509.ip(10, 0, 0, 0)]))).toBe('bad_certificate');
    expect(ruleWith(x509.nameConstraints([x509.ip(10, 0, 0, 0, 255, 0, 255, 0)]))).toBe('bad_certificate');
    expect(ruleWith(x509.nameConstraints([x509.ip(10, 0, 0, 0, 255, 255, 128, 0)]))).toBe('accepted');
  });

  it('trailing bytes in every structure', () => {
    const trailing = (id: string, value: der.Der) =>
      ruleWith(x509.extension(id, true, Buffer.concat([value, der.nothing()])));
    expect(trailing('2.5.29.15', der.namedBits(0))).toBe('bad_der');
    expect(trailing('2.5.29.17', der.sequence(x509.dns('a')))).toBe('bad_der');
    expect(trailing('2.5.29.19', der.sequence())).toBe('bad_der');
    expect(trailing('2.5.29.37', der.sequence(der.oid(x509.SERVER_AUTH)))).toBe('bad_der');
    expect(trailing('2.5.29.14', der.octetString(der.bytes(1)))).toBe('bad_der');
    expect(
      ruleWith(x509.extension('2.5.29.19', true, der.sequence(der.boolean(true), der.integer(1), der.integer(1)))),
    ).toBe('bad_der');
  });

  it('threat 32: a control character, a NUL or a letter outside ASCII in a subject alternative name', () => {
    for (const text of [
      'spiffe://example.org/web\0.evil',
      'spiffe://example.org/web\n',
      'spiffe://example.org/w\u00ebb',
      '\u007f',
    ]) {
      expect(ruleWith(x509.subjectAltName([x509.uri(text)]))).toBe('bad_der');
      expect(ruleWith(x509.subjectAltName([x509.dns(text)]))).toBe('bad_der');
    }
    expect(ruleWith(x509.subjectAltName([x509.ip(1, 2, 3)]))).toBe('bad_certificate');
    expect(ruleWith(x509.subjectAltName([der.implicit(9, der.bytes(1))]))).toBe('bad_der');
    expect(ruleWith(x509.subjectAltName([der.explicit(6, der.ia5('spiffe://example.org/web'))]))).toBe('bad_der');
  });

  it('threat 25: more certificates in a row than are wanted, whatever follows them', () => {
    const two = Buffer.concat([leaf.der, root.der]);
    expect(ruleOf(() => parseCertificates(two, 1))).toBe('too_large');
    expect(ruleOf(() => parseCertificates(Buffer.concat([two, new Uint8Array(50_000)]), 1))).toBe('too_large');
    expect(ruleOf(() => parseCertificates(new Uint8Array(65_537), 1))).toBe('too_large');
    const empty = new Uint8Array(20_000_000).fill(0x30);
    for (let at = 1; at < empty.length; at += 2) empty[at] = 0;
    expect(ruleOf(() => parseCertificates(empty, 1000))).toBe('too_large');
  });

  it('threat 25: a certificate over 64 KiB, and one with thousands of names', () => {
    expect(ruleOf(() => parseCertificate(new Uint8Array(65_537)))).toBe('too_large');
    expect(ruleWith(x509.subjectAltName(Array.from({ length: 1025 }, () => x509.dns('a'))))).toBe('bad_certificate');
    const attributes = Array.from({ length: 65 }, () => x509.attribute('2.5.4.3', der.utf8('x')));
    expect(ruleFor({ subject: der.sequence(...attributes) })).toBe('bad_der');
  });
});

describe('threat 5: weak and malformed public keys', () => {
  const rsa = (n: bigint | Uint8Array, e: bigint | number) =>
    der.sequence(
      der.sequence(der.oid('1.2.840.113549.1.1.1'), der.nothing()),
      der.bitString(der.sequence(der.integer(n), der.integer(e))),
    );
  const ec = (curve: string, point: Uint8Array) =>
    der.sequence(der.sequence(der.oid('1.2.840.10045.2.1'), der.oid(curve)), der.bitString(point));
  const edwards = (point: Uint8Array) => der.sequence(der.sequence(der.oid('1.3.101.112')), der.bitString(point));
  const odd = (bits: number) => (1n << BigInt(bits - 1)) + 1n;
  const P256 = '1.2.840.10045.3.1.7';
  const point = new Uint8Array(keyPair('P-256').publicKey.export({ format: 'der', type: 'spki' })).slice(-65);

  it('RSA by size and exponent', () => {
    expect(keyRule(rsa(odd(2047), 65537))).toBe('weak_key');
    expect(keyRule(rsa(odd(512), 65537))).toBe('weak_key');
    expect(keyRule(rsa(odd(8193), 65537))).toBe('weak_key');
    expect(keyRule(rsa(odd(2048) + 1n, 65537))).toBe('weak_key');
    for (const e of [0, 1, 2, 65536]) expect(keyRule(rsa(odd(2048), e))).not.toBe('accepted');
    expect(keyRule(rsa(odd(2048), (1n << 32n) + 1n))).not.toBe('accepted');
    expect(keyRule(rsa(odd(2048), 3))).toBe('accepted');
    expect(keyRule(rsa(odd(8192), 65537))).toBe('accepted');
  });

  it('EC by curve, form and equation', () => {
    const off = point.slice();
    off[64] = (off[64] ?? 0) ^ 1;
    expect(keyRule(ec(P256, point))).toBe('accepted');
    expect(keyRule(ec(P256, off))).toBe('malformed_key');
    expect(keyRule(ec(P256, point.subarray(0, 64)))).toBe('malformed_key');
    expect(keyRule(ec(P256, Buffer.concat([point, der.bytes(0)])))).toBe('malformed_key');
    expect(keyRule(ec(P256, der.bytes(2, ...point.subarray(1, 33))))).toBe('malformed_key');
    expect(keyRule(ec(P256, der.bytes(0)))).toBe('malformed_key');
    expect(keyRule(ec('1.3.132.0.10', point))).toBe('unsupported_key');
    expect(keyRule(ec('1.3.132.0.34', point))).toBe('malformed_key');
    const explicit = der.sequence(
      der.sequence(der.oid('1.2.840.10045.2.1'), der.sequence(der.integer(1))),
      der.bitString(point),
    );
    expect(keyRule(explicit)).toBe('unsupported_key');
  });

  it.each(['P-384', 'P-521'] as const)('%s with one bit changed is off its curve', (kind) => {
    const spki = new Uint8Array(keyPair(kind).publicKey.export({ format: 'der', type: 'spki' }));
    expect(keyRule(spki)).toBe('accepted');
    spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
    expect(keyRule(spki)).toBe('malformed_key');
  });

  it('Ed25519 by length, order and form, and no other algorithm', () => {
    expect(keyRule(edwards(new Uint8Array(32)))).toBe('weak_key');
    expect(keyRule(edwards(der.bytes(1, ...new Uint8Array(31))))).toBe('weak_key');
    expect(keyRule(edwards(new Uint8Array(32).fill(0xff)))).toBe('weak_key');
    expect(keyRule(edwards(new Uint8Array(31).fill(9)))).toBe('malformed_key');
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'der', type: 'spki' });
    expect(keyRule(new Uint8Array(x25519))).toBe('unsupported_key');
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey.export({
      format: 'der',
      type: 'spki',
    });
    expect(keyRule(new Uint8Array(pss))).toBe('unsupported_key');
  });
});

function agrees(certificate: Certificate, other: X509Certificate): void {
  expect(certificate.serialNumber).toBe(other.serialNumber);
  expect(certificate.fingerprint256).toBe(other.fingerprint256);
  expect(certificate.notBefore).toEqual(new Date(other.validFrom));
  expect(certificate.notAfter).toEqual(new Date(other.validTo));
  expect(certificate.publicKey.equals(other.publicKey)).toBe(true);
  expect(certificate.isCa).toBe(other.ca);
  expect(certificate.subject.replaceAll(', ', '\n')).toBe(other.subject);
  expect(certificate.toPem()).toBe(other.toString());
  // Despite its name, `keyUsage` of node:crypto is the extended key usage.
  expect(certificate.extendedKeyUsage).toEqual(other.keyUsage);
}
