import { Extension } from './certificate-extensions.js';
import { type CertificateSignatureAlgorithm, readSignatureAlgorithm } from './certificate-signature.js';
import { type DerElement, type DerReader, type DerRule, readDer, Tag } from './der.js';
import { readInteger, readOctetAlignedBits, readSmallInteger, readTime, readUnsigned } from './der-values.js';
import { type DistinguishedName, readDistinguishedName } from './distinguished-name.js';
import { type ExtensionEntry, readAuthorityKeyIdentifier, readExtensionList } from './extension-list.js';
import { ReadError } from './read-error.js';

/**
 * - {@link DerRule}: not strict DER, or more than 4 MiB.
 * - `bad_crl`: DER, but against RFC 5280 section 5.
 * - `unsupported_crl`: a delta or indirect CRL, one for a part of the certificates or reasons, or one with a critical
 *   extension that is not known here; RFC 5280 section 5.2 forbids to use it.
 * - `unsupported_algorithm`: signed with an algorithm that is not accepted; SHA-1 and MD5 are not.
 */
export type CertificateListRule = DerRule | 'bad_crl' | 'unsupported_crl' | 'unsupported_algorithm';

/** What a revocation check works on: views of the list's own bytes, which must not leave the package. */
export interface CertificateListFields {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly tbs: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly signatureAlgorithm: CertificateSignatureAlgorithm;
  readonly issuer: DistinguishedName;
  readonly authorityKeyId: string | undefined;
  readonly number: string | undefined;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** When each certificate was revoked, by serial number in upper-case hexadecimal. */
  readonly revoked: ReadonlyMap<string, number>;
}

const MAX_LIST_BYTES = 4 * 1024 * 1024;
const MAX_NUMBER_OCTETS = 20;
const ENUMERATED = 0x0a;
const REMOVE_FROM_CRL = 8;
const CRL_NUMBER = '2.5.29.20';
const DELTA_CRL_INDICATOR = '2.5.29.27';
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';
const REASON_CODE = '2.5.29.21';
const INVALIDITY_DATE = '2.5.29.24';
const CERTIFICATE_ISSUER = '2.5.29.29';

let fieldsOfList: (list: CertificateRevocationList) => CertificateListFields;

/**
 * A complete certificate revocation list of one CA (RFC 5280 section 5), read strictly and immutable. Reading one does
 * not verify it: that is for `verifyX509Svid`, with the CA on the path.
 */
export class CertificateRevocationList {
  readonly #fields: CertificateListFields;

  static {
    fieldsOfList = (list) => list.#fields;
  }

  /** Lists are made by reading DER; the fields must agree with `der`. */
  constructor(fields: CertificateListFields) {
    this.#fields = fields;
    Object.freeze(this);
  }

  /** The list in DER, as a copy. */
  get der(): Uint8Array<ArrayBuffer> {
    return this.#fields.der.slice();
  }

  /** The CA for people to read, such as `C=US, O=SPIRE`; for messages only, never to be compared. */
  get issuer(): string {
    return this.#fields.issuer.toString();
  }

  /** When the list was issued. */
  get thisUpdate(): Date {
    return new Date(this.#fields.thisUpdate);
  }

  /** Until when the list may be relied on. */
  get nextUpdate(): Date {
    return new Date(this.#fields.nextUpdate);
  }

  /** The number of the list in upper-case hexadecimal, where it has one; it grows from one list to the next. */
  get crlNumber(): string | undefined {
    return this.#fields.number;
  }

  /** How many certificates are revoked. */
  get size(): number {
    return this.#fields.revoked.size;
  }
}

/** The parsed fields of a list, for this package alone. */
export function fieldsOfCertificateList(list: CertificateRevocationList): CertificateListFields {
  return fieldsOfList(list);
}

/**
 * Reads one list of at most 4 MiB. The bytes are copied first.
 *
 * @throws ReadError with a {@link CertificateListRule}; trailing bytes are `bad_der`.
 */
export function readCertificateList(der: Uint8Array): CertificateRevocationList {
  const what = 'a revocation list';
  if (der.length > MAX_LIST_BYTES) throw new ReadError('too_large', `${what} has at most ${MAX_LIST_BYTES} bytes`);
  const copy = new Uint8Array(der);
  const outer = readDer(copy, Tag.sequence, what, MAX_LIST_BYTES).children(what);
  const tbs = outer.expect(Tag.sequence, 'the signed part of a revocation list');
  const outerAlgorithm = outer.expect(Tag.sequence, 'the outer signature algorithm');
  const signature = readOctetAlignedBits(outer.expect(Tag.bitString, 'a signature'), 'a signature');
  outer.end(what);

  const { innerAlgorithm, ...fields } = readSignedPart(tbs.children('the signed part of a revocation list'));
  // RFC 5280 section 5.1.1.2: the field outside the signature must repeat the one inside.
  if (Buffer.compare(innerAlgorithm.raw, outerAlgorithm.raw) !== 0) {
    throw bad('the signature algorithm outside the signed part differs from the one inside');
  }
  const { algorithm, oid } = readSignatureAlgorithm(innerAlgorithm);
  if (algorithm === undefined) {
    const message = `a revocation list is signed with an algorithm that is not accepted: ${oid}`;
    throw new ReadError<CertificateListRule>('unsupported_algorithm', message);
  }
  return new CertificateRevocationList({
    ...fields,
    der: copy,
    tbs: tbs.raw,
    signature,
    signatureAlgorithm: algorithm,
  });
}

type SignedPart = Omit<CertificateListFields, 'der' | 'tbs' | 'signature' | 'signatureAlgorithm'> & {
  readonly innerAlgorithm: DerElement;
};

/** RFC 5280 section 5.1.2. Version and nextUpdate are optional in ASN.1 and mandatory in this profile. */
function readSignedPart(reader: DerReader): SignedPart {
  const version = reader.optional(Tag.integer, 'a version');
  if (version === undefined || readSmallInteger(version, 'a version') !== 1) {
    throw bad('a revocation list is not of version 2');
  }
  const innerAlgorithm = reader.expect(Tag.sequence, 'the inner signature algorithm');
  const issuer = readDistinguishedName(reader.expect(Tag.sequence, 'an issuer'), 'an issuer');
  if (issuer.isEmpty) throw bad('a revocation list has no issuer');
  const thisUpdate = readTime(reader.any('thisUpdate'), 'thisUpdate');
  const next = reader.peek();
  if (next !== Tag.utcTime && next !== Tag.generalizedTime) throw bad('a revocation list has no nextUpdate');
  const nextUpdate = readTime(reader.any('nextUpdate'), 'nextUpdate');
  if (nextUpdate < thisUpdate) throw bad('a revocation list ends before it begins');
  const revoked = readRevoked(reader.optional(Tag.sequence, 'the list of revoked certificates'));
  const outer = reader.optional(0xa0, 'extensions')?.children('extensions');
  const extensions = outer?.expect(Tag.sequence, 'extensions');
  outer?.end('extensions');
  reader.end('the signed part of a revocation list');
  return { innerAlgorithm, issuer, thisUpdate, nextUpdate, revoked, ...readListExtensions(extensions) };
}

/** RFC 5280 section 5.1.2.6: absent where nothing is revoked. */
function readRevoked(list: DerElement | undefined): ReadonlyMap<string, number> {
  const revoked = new Map<string, number>();
  if (list === undefined) return revoked;
  const reader = list.children('the list of revoked certificates');
  if (reader.done) throw bad('the list of revoked certificates is there and empty');
  while (!reader.done) {
    const entry = reader.expect(Tag.sequence, 'a revoked certificate').children('a revoked certificate');
    const serialNumber = readNumber(entry.expect(Tag.integer, 'a serial number'), 'a serial number');
    const at = readTime(entry.any('a revocation date'), 'a revocation date');
    const extensions = entry.optional(Tag.sequence, 'extensions');
    entry.end('a revoked certificate');
    if (extensions !== undefined) checkEntryExtensions(extensions);
    revoked.set(serialNumber, at);
  }
  return revoked;
}

/**
 * RFC 5280 section 5.3. Every reason revokes, certificateHold too; removeFromCRL belongs to delta CRLs, and a
 * certificateIssuer means that the list speaks of other CAs' certificates.
 */
function checkEntryExtensions(extensions: DerElement): void {
  for (const { oid, isCritical, value } of readExtensionList(extensions, bad)) {
    if (oid === CERTIFICATE_ISSUER) throw unsupported('an indirect CRL, which names the issuer of an entry');
    if (oid === REASON_CODE) {
      const reader = value.nested();
      const [reason, ...more] = readInteger(reader.expect(ENUMERATED, 'a reason code'), 'a reason code');
      reader.end('a reason code');
      if (reason === undefined || more.length > 0 || reason > 10 || reason === 7) throw bad('a reason code is unknown');
      if (reason === REMOVE_FROM_CRL) throw bad('a complete CRL removes an entry');
    } else if (isCritical && oid !== INVALIDITY_DATE) {
      throw unsupported(`one that has an entry with the critical extension ${oid}`);
    }
  }
}

/** RFC 5280 section 5.2. What is not critical and not named here changes nothing about a complete CRL. */
function readListExtensions(
  extensions: DerElement | undefined,
): Pick<CertificateListFields, 'authorityKeyId' | 'number'> {
  let authorityKeyId: string | undefined;
  let number: string | undefined;
  for (const { oid, isCritical, value } of extensions === undefined ? [] : readExtensionList(extensions, bad)) {
    switch (oid) {
      case DELTA_CRL_INDICATOR:
        throw unsupported('a delta CRL');
      case ISSUING_DISTRIBUTION_POINT:
        throw unsupported('an indirect CRL, or one for a part of the certificates or reasons');
      case Extension.authorityKeyIdentifier:
        authorityKeyId = readWhole(value, oid, readAuthorityKeyIdentifier);
        break;
      case CRL_NUMBER:
        number = readWhole(value, oid, (reader) => readNumber(reader.expect(Tag.integer, 'a number'), 'a number'));
        break;
      default:
        if (isCritical) throw unsupported(`one with the critical extension ${oid}`);
    }
  }
  return { authorityKeyId, number };
}

function readWhole<T>(value: ExtensionEntry['value'], oid: string, read: (reader: DerReader) => T): T {
  const reader = value.nested();
  const result = read(reader);
  reader.end(`extension ${oid}`);
  return result;
}

/** In the form that certificates give their serial numbers in. */
function readNumber(element: DerElement, what: string): string {
  const octets = readUnsigned(element, what);
  if (octets.length > MAX_NUMBER_OCTETS) throw bad(`${what} has at most ${MAX_NUMBER_OCTETS} octets`);
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('hex').toUpperCase();
}

function bad(message: string): ReadError<CertificateListRule> {
  return new ReadError('bad_crl', message);
}

function unsupported(what: string): ReadError<CertificateListRule> {
  return new ReadError('unsupported_crl', `a revocation list of a kind that is not supported: ${what}`);
}
