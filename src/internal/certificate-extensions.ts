import { badDer, type DerElement, type DerReader, type DerRule, Tag } from './der.js';
import { readBoolean, readNamedBits, readOid, readSmallInteger } from './der-values.js';
import { hexOf, readAuthorityKeyIdentifier, readExtensionList } from './extension-list.js';
import { type GeneralName, readGeneralName } from './general-name.js';
import { ReadError } from './read-error.js';

/**
 * - {@link DerRule}: not strict DER, or larger than a certificate that is accepted here.
 * - `bad_certificate`: DER, but against RFC 5280 section 4.1 or 4.2.
 * - `unsupported_algorithm`: the signature algorithm is not one of those that are accepted; SHA-1 and MD5 are not.
 * - `unsupported_key`: a public key of a type or curve that is not accepted.
 * - `malformed_key`: a public key with the wrong length or off its curve.
 * - `weak_key`: an RSA key out of bounds, or an Ed25519 point of small order.
 */
export type CertificateRule =
  | DerRule
  | 'bad_certificate'
  | 'unsupported_algorithm'
  | 'unsupported_key'
  | 'malformed_key'
  | 'weak_key';

const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

/** One bit of the key usage extension (RFC 5280 section 4.2.1.3). */
export type KeyUsage = (typeof KEY_USAGES)[number];

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** What the extensions of one certificate say; absent extensions are undefined, or empty where that means the same. */
export interface CertificateExtensions {
  subjectAltName: readonly GeneralName[];
  isCa: boolean;
  pathLength: number | undefined;
  keyUsage: ReadonlySet<KeyUsage> | undefined;
  extendedKeyUsage: readonly string[] | undefined;
  nameConstraints: NameConstraints | undefined;
  subjectKeyId: string | undefined;
  authorityKeyId: string | undefined;
  /** Object identifiers of all extensions that are marked critical. */
  critical: ReadonlySet<string>;
  /** Those of them whose meaning is not known here, so that no path may hold the certificate. */
  unknownCritical: readonly string[];
}

export const Extension = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

const MAX_NAMES = 1024;

type Handler = (reader: DerReader, into: CertificateExtensions) => void;

/** Certificate policies are known in that any policy is acceptable here, so they never refuse a path. */
const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [Extension.subjectKeyIdentifier, readSubjectKeyId],
  [Extension.keyUsage, readKeyUsage],
  [Extension.subjectAltName, readSubjectAltName],
  [Extension.basicConstraints, readBasicConstraints],
  [Extension.nameConstraints, readNameConstraints],
  [Extension.certificatePolicies, (reader) => void reader.expect(Tag.sequence, 'certificatePolicies')],
  [Extension.authorityKeyIdentifier, readAuthorityKeyId],
  [Extension.extendedKeyUsage, readExtendedKeyUsage],
]);

/**
 * Reads Extensions (RFC 5280 section 4.2), none of them twice.
 *
 * @throws ReadError `bad_der` or `bad_certificate`.
 */
export function readExtensions(extensions: DerElement | undefined): CertificateExtensions {
  const critical = new Set<string>();
  const unknownCritical: string[] = [];
  const result: CertificateExtensions = {
    subjectAltName: [],
    isCa: false,
    pathLength: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    nameConstraints: undefined,
    subjectKeyId: undefined,
    authorityKeyId: undefined,
    critical,
    unknownCritical,
  };
  if (extensions === undefined) return result;
  for (const { oid, isCritical, value } of readExtensionList(extensions, bad)) {
    const handler = HANDLERS.get(oid);
    if (isCritical) critical.add(oid);
    if (isCritical && handler === undefined) unknownCritical.push(oid);
    if (handler === undefined) continue;
    const reader = value.nested();
    handler(reader, result);
    reader.end(`extension ${oid}`);
  }
  return result;
}

export function bad(message: string): ReadError<CertificateRule> {
  return new ReadError('bad_certificate', message);
}

function readBasicConstraints(reader: DerReader, into: CertificateExtensions): void {
  const what = 'basicConstraints';
  const inner = reader.expect(Tag.sequence, what).children(what);
  const flag = inner.optional(Tag.boolean, what);
  if (flag !== undefined && !readBoolean(flag, what)) throw badDer(`${what} spells its default`);
  const length = inner.optional(Tag.integer, what);
  inner.end(what);
  into.isCa = flag !== undefined;
  if (length === undefined) return;
  if (!into.isCa) throw bad('a certificate that is not a CA has a path length');
  into.pathLength = readSmallInteger(length, 'a path length');
}

function readKeyUsage(reader: DerReader, into: CertificateExtensions): void {
  const what = 'keyUsage';
  const positions = readNamedBits(reader.expect(Tag.bitString, what), what);
  if (positions.length === 0) throw bad('keyUsage names no use');
  const usages = positions.map((position) => KEY_USAGES[position]);
  into.keyUsage = new Set(usages.filter((usage) => usage !== undefined));
}

function readExtendedKeyUsage(reader: DerReader, into: CertificateExtensions): void {
  const what = 'extKeyUsage';
  const purposes: string[] = [];
  for (const list = reader.expect(Tag.sequence, what).children(what); !list.done; ) {
    purposes.push(readOid(list.expect(Tag.objectIdentifier, what), what));
  }
  if (purposes.length === 0) throw bad('extKeyUsage names no purpose');
  into.extendedKeyUsage = Object.freeze(purposes);
}

function readSubjectAltName(reader: DerReader, into: CertificateExtensions): void {
  const what = 'subjectAltName';
  const names: GeneralName[] = [];
  for (const list = reader.expect(Tag.sequence, what).children(what); !list.done; ) {
    const name = readGeneralName(list.any(what), what);
    if (name.kind === 'ip' && name.bytes.length !== 4 && name.bytes.length !== 16) {
      throw bad('subjectAltName holds an IP address of neither 4 nor 16 octets');
    }
    names.push(name);
    if (names.length > MAX_NAMES) throw bad(`subjectAltName holds at most ${MAX_NAMES} names`);
  }
  if (names.length === 0) throw bad('subjectAltName is empty');
  into.subjectAltName = names;
}

function readNameConstraints(reader: DerReader, into: CertificateExtensions): void {
  const what = 'nameConstraints';
  const inner = reader.expect(Tag.sequence, what).children(what);
  if (inner.done) throw bad('nameConstraints is empty');
  const permitted = readSubtrees(inner.optional(0xa0, what), what);
  const excluded = readSubtrees(inner.optional(0xa1, what), what);
  inner.end(what);
  into.nameConstraints = { permitted, excluded };
}

/** RFC 5280 section 4.2.1.10: minimum is 0, which DER leaves out, and maximum is absent. */
function readSubtrees(subtrees: DerElement | undefined, what: string): GeneralName[] {
  if (subtrees === undefined) return [];
  const names: GeneralName[] = [];
  for (const list = subtrees.children(what); !list.done; ) {
    const subtree = list.expect(Tag.sequence, what).children(what);
    const base = readGeneralName(subtree.any(what), what);
    if (!subtree.done) throw bad('nameConstraints has a minimum or a maximum');
    if (base.kind === 'ip' && !isNetwork(base.bytes)) throw bad('nameConstraints holds a malformed IP network');
    names.push(base);
    if (names.length > MAX_NAMES) throw bad(`nameConstraints holds at most ${MAX_NAMES} names`);
  }
  if (names.length === 0) throw bad('nameConstraints holds an empty list');
  return names;
}

/** An address and a mask of the same length, the mask a run of ones and then a run of zeros. */
function isNetwork(bytes: Uint8Array): boolean {
  if (bytes.length !== 8 && bytes.length !== 32) return false;
  const mask = Array.from(bytes.subarray(bytes.length / 2), (octet) => octet.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(mask);
}

function readSubjectKeyId(reader: DerReader, into: CertificateExtensions): void {
  into.subjectKeyId = hexOf(reader.expect(Tag.octetString, 'subjectKeyIdentifier'));
}

/** It orders candidates and never decides (RFC 5280 section 4.2.1.1). */
function readAuthorityKeyId(reader: DerReader, into: CertificateExtensions): void {
  into.authorityKeyId = readAuthorityKeyIdentifier(reader);
}
