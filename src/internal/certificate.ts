import { createHash, type KeyObject } from 'node:crypto';
import {
  bad,
  type CertificateExtensions,
  type CertificateRule,
  type KeyUsage,
  readExtensions,
} from './certificate-extensions.js';
import { checkPublicKeyShape, importPublicKey } from './certificate-key.js';
import { type AlgorithmIdentifier, readSignatureAlgorithm } from './certificate-signature.js';
import { DerReader, readDer, Tag } from './der.js';
import { readOctetAlignedBits, readSmallInteger, readTime, readUnsigned } from './der-values.js';
import { type DistinguishedName, readDistinguishedName } from './distinguished-name.js';
import { showAddress } from './general-name.js';
import { encodePem } from './pem.js';
import { ReadError } from './read-error.js';

export type { CertificateRule, KeyUsage } from './certificate-extensions.js';

/** What path validation works on: views of the certificate's own bytes, which must not leave the package. */
export interface CertificateFields extends Readonly<CertificateExtensions> {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly tbs: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly serialNumber: string;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array<ArrayBuffer>;
}

const MAX_CERTIFICATE_BYTES = 64 * 1024;
const MAX_SERIAL_OCTETS = 20;

let fieldsOfCertificate: (certificate: Certificate) => CertificateFields;

/**
 * An X.509 v3 certificate (RFC 5280), read strictly and immutable. Reading one decides nothing about trust: that is
 * for `verifyX509Svid`.
 */
export class Certificate {
  readonly #fields: CertificateFields;
  #publicKey: KeyObject | undefined;

  static {
    fieldsOfCertificate = (certificate) => certificate.#fields;
  }

  /** Certificates are made by reading DER; the fields must agree with `der`. */
  constructor(fields: CertificateFields) {
    this.#fields = fields;
    Object.freeze(this);
  }

  /** The certificate in DER, as a copy. */
  get der(): Uint8Array<ArrayBuffer> {
    return this.#fields.der.slice();
  }

  /** The subject for people to read, such as `C=US, O=SPIRE`; for messages only, never to be compared. */
  get subject(): string {
    return this.#fields.subject.toString();
  }

  /** The issuer, as {@link Certificate.subject}. */
  get issuer(): string {
    return this.#fields.issuer.toString();
  }

  /** In upper-case hexadecimal, as node:crypto shows it. */
  get serialNumber(): string {
    return this.#fields.serialNumber;
  }

  /** The first instant at which the certificate is valid. */
  get notBefore(): Date {
    return new Date(this.#fields.notBefore);
  }

  /** The last instant at which the certificate is valid. */
  get notAfter(): Date {
    return new Date(this.#fields.notAfter);
  }

  /**
   * The subject's public key, imported on first use and kept.
   *
   * @throws ReadError `unsupported_key`, `malformed_key` or `weak_key`.
   */
  get publicKey(): KeyObject {
    this.#publicKey ??= importPublicKey(this.#fields.spki);
    return this.#publicKey;
  }

  /** The name of the algorithm that the issuer signed with, such as `ecdsa-with-SHA256`; its OID if it is not accepted. */
  get signatureAlgorithm(): string {
    const { algorithm, oid } = this.#fields.signatureAlgorithm;
    return algorithm?.name ?? oid;
  }

  /** The URI names of the subject, unchecked, in the order of the certificate. */
  get uriSans(): readonly string[] {
    return this.#fields.subjectAltName.flatMap((name) => (name.kind === 'uri' ? name.text : []));
  }

  /** The DNS names of the subject. */
  get dnsSans(): readonly string[] {
    return this.#fields.subjectAltName.flatMap((name) => (name.kind === 'dns' ? name.text : []));
  }

  /** The IP addresses of the subject, IPv6 as in RFC 5952. */
  get ipSans(): readonly string[] {
    return this.#fields.subjectAltName.flatMap((name) => (name.kind === 'ip' ? showAddress(name.bytes) : []));
  }

  /** The mail addresses of the subject. */
  get emailSans(): readonly string[] {
    return this.#fields.subjectAltName.flatMap((name) => (name.kind === 'email' ? name.text : []));
  }

  /** Whether basicConstraints says that the subject is a certification authority. */
  get isCa(): boolean {
    return this.#fields.isCa;
  }

  /** How many further CA certificates may follow on a path, or undefined for any number. */
  get pathLength(): number | undefined {
    return this.#fields.pathLength;
  }

  /** The key usage, as a copy, or undefined where the extension is absent. */
  get keyUsage(): ReadonlySet<KeyUsage> | undefined {
    const { keyUsage } = this.#fields;
    return keyUsage && new Set(keyUsage);
  }

  /** The extended key usage as object identifiers, or undefined where the extension is absent. */
  get extendedKeyUsage(): readonly string[] | undefined {
    return this.#fields.extendedKeyUsage;
  }

  /** The object identifiers of the extensions that are marked critical. */
  get criticalExtensions(): readonly string[] {
    return [...this.#fields.critical];
  }

  /** The subject key identifier in lower-case hexadecimal, by which SPIRE names its authorities. */
  get subjectKeyId(): string | undefined {
    return this.#fields.subjectKeyId;
  }

  /** The authority key identifier in lower-case hexadecimal. */
  get authorityKeyId(): string | undefined {
    return this.#fields.authorityKeyId;
  }

  /** SHA-256 over the DER, in the colon-separated form that node:crypto shows. */
  get fingerprint256(): string {
    const digest = createHash('sha256').update(this.#fields.der).digest('hex').toUpperCase();
    return (digest.match(/../g) ?? []).join(':');
  }

  /** Whether the other certificate has the same bytes. */
  equals(other: Certificate): boolean {
    return Buffer.compare(this.#fields.der, other.#fields.der) === 0;
  }

  /** One PEM block. */
  toPem(): string {
    return encodePem('CERTIFICATE', this.#fields.der);
  }
}

/** The parsed fields of a certificate, for this package alone. */
export function fieldsOf(certificate: Certificate): CertificateFields {
  return fieldsOfCertificate(certificate);
}

/**
 * Reads one certificate of at most 64 KiB. The bytes are copied first.
 *
 * @throws ReadError with a {@link CertificateRule}; trailing bytes are `bad_der`.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw tooLarge();
  return new Certificate(readFields(new Uint8Array(der)));
}

/**
 * Reads at most that many certificates that follow one another without anything between, as the Workload API sends
 * them. No bytes are no certificates.
 *
 * @throws ReadError with a {@link CertificateRule}.
 */
export function parseCertificates(concatenated: Uint8Array, most: number): Certificate[] {
  const parts = splitCertificates(concatenated, most);
  if (parts.length > most) {
    throw new ReadError<CertificateRule>('too_large', `at most ${most} certificates may follow one another`);
  }
  return parts.map((part) => parseCertificate(part));
}

/**
 * Cuts such bytes into the parts that should be certificates, without reading them, so that a caller can count first:
 * at most one more than `most`, whatever follows.
 *
 * @throws ReadError `bad_der`; `too_large` for more bytes than so many certificates have.
 */
export function splitCertificates(concatenated: Uint8Array, most: number): Uint8Array<ArrayBuffer>[] {
  if (concatenated.length > most * MAX_CERTIFICATE_BYTES) throw tooLarge();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const reader = new DerReader(new Uint8Array(concatenated)); !reader.done && parts.length <= most; ) {
    parts.push(reader.expect(Tag.sequence, 'a certificate').raw);
  }
  return parts;
}

/** RFC 5280 section 4.1. */
function readFields(der: Uint8Array<ArrayBuffer>): CertificateFields {
  const certificate = readDer(der, Tag.sequence, 'a certificate', MAX_CERTIFICATE_BYTES).children('a certificate');
  const tbs = certificate.expect(Tag.sequence, 'the signed part of a certificate');
  const outerAlgorithm = certificate.expect(Tag.sequence, 'the outer signature algorithm');
  const signature = readOctetAlignedBits(certificate.expect(Tag.bitString, 'a signature'), 'a signature');
  certificate.end('a certificate');

  const reader = tbs.children('the signed part of a certificate');
  readVersion(reader);
  const serial = readUnsigned(reader.expect(Tag.integer, 'a serial number'), 'a serial number');
  if (serial.length > MAX_SERIAL_OCTETS) throw bad(`a serial number has at most ${MAX_SERIAL_OCTETS} octets`);
  const innerAlgorithm = reader.expect(Tag.sequence, 'the inner signature algorithm');
  // RFC 5280 section 4.1.1.2: the field outside the signature must repeat the one inside.
  if (Buffer.compare(innerAlgorithm.raw, outerAlgorithm.raw) !== 0) {
    throw bad('the signature algorithm outside the signed part differs from the one inside');
  }
  const issuer = readDistinguishedName(reader.expect(Tag.sequence, 'an issuer'), 'an issuer');
  const validity = reader.expect(Tag.sequence, 'a validity').children('a validity');
  const notBefore = readTime(validity.any('notBefore'), 'notBefore');
  const notAfter = readTime(validity.any('notAfter'), 'notAfter');
  validity.end('a validity');
  const subject = readDistinguishedName(reader.expect(Tag.sequence, 'a subject'), 'a subject');
  const spki = reader.expect(Tag.sequence, 'a public key');
  checkPublicKeyShape(spki);
  reader.optional(0x81, 'an issuer identifier');
  reader.optional(0x82, 'a subject identifier');
  const extensions = readExtensions(readExplicit(reader));
  reader.end('the signed part of a certificate');

  // Member by member: with a spread, reading a certificate takes four times as long.
  return {
    subjectAltName: extensions.subjectAltName,
    isCa: extensions.isCa,
    pathLength: extensions.pathLength,
    keyUsage: extensions.keyUsage,
    extendedKeyUsage: extensions.extendedKeyUsage,
    nameConstraints: extensions.nameConstraints,
    subjectKeyId: extensions.subjectKeyId,
    authorityKeyId: extensions.authorityKeyId,
    critical: extensions.critical,
    unknownCritical: extensions.unknownCritical,
    der,
    tbs: tbs.raw,
    signature,
    signatureAlgorithm: readSignatureAlgorithm(innerAlgorithm),
    serialNumber: Buffer.from(serial).toString('hex').toUpperCase(),
    issuer,
    subject,
    notBefore,
    notAfter,
    spki: spki.raw,
  };
}

/** Version 3, the only one with extensions and so the only one that can name a workload or a CA. */
function readVersion(reader: DerReader): void {
  const outer = reader.optional(0xa0, 'a version')?.children('a version');
  const version = outer && readSmallInteger(outer.expect(Tag.integer, 'a version'), 'a version');
  if (version !== 2) throw bad('a certificate is not of version 3');
  outer?.end('a version');
}

function readExplicit(reader: DerReader): ReturnType<DerReader['any']> | undefined {
  const outer = reader.optional(0xa3, 'extensions')?.children('extensions');
  const inner = outer?.expect(Tag.sequence, 'extensions');
  outer?.end('extensions');
  return inner;
}

function tooLarge(): ReadError<CertificateRule> {
  return new ReadError('too_large', `a certificate has at most ${MAX_CERTIFICATE_BYTES} bytes`);
}
