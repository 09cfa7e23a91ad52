import { constants, type KeyObject, verify } from 'node:crypto';
import { type DerElement, type DerReader, Tag } from './der.js';
import { readOid, readSmallInteger } from './der-values.js';

/** How a certificate is signed; `undefined` in place of it means an algorithm that is not accepted. */
export interface CertificateSignatureAlgorithm {
  /** The name in RFC 5912, such as `ecdsa-with-SHA256`. */
  readonly name: string;
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly isPss: boolean;
}

/** AlgorithmIdentifier as read: the entry of the table where there is one, and the OID for messages. */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly algorithm: CertificateSignatureAlgorithm | undefined;
}

type Parameters = 'absent' | 'null or absent' | 'pss';

const RSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

const HASHES: ReadonlyMap<string, { readonly hash: 'sha256' | 'sha384' | 'sha512'; readonly length: number }> = new Map(
  [
    ['2.16.840.1.101.3.4.2.1', { hash: 'sha256', length: 32 }],
    ['2.16.840.1.101.3.4.2.2', { hash: 'sha384', length: 48 }],
    ['2.16.840.1.101.3.4.2.3', { hash: 'sha512', length: 64 }],
  ] as const,
);

/** RFC 4055, RFC 5758 section 3.2 and RFC 8410. No SHA-1 and no MD5, so their rows are not here. */
const ALGORITHMS: ReadonlyMap<string, readonly [CertificateSignatureAlgorithm, Parameters]> = new Map([
  ['1.2.840.113549.1.1.11', row('sha256WithRSAEncryption', 'rsa', 'sha256', 'null or absent')],
  ['1.2.840.113549.1.1.12', row('sha384WithRSAEncryption', 'rsa', 'sha384', 'null or absent')],
  ['1.2.840.113549.1.1.13', row('sha512WithRSAEncryption', 'rsa', 'sha512', 'null or absent')],
  ['1.2.840.10045.4.3.2', row('ecdsa-with-SHA256', 'ec', 'sha256', 'absent')],
  ['1.2.840.10045.4.3.3', row('ecdsa-with-SHA384', 'ec', 'sha384', 'absent')],
  ['1.2.840.10045.4.3.4', row('ecdsa-with-SHA512', 'ec', 'sha512', 'absent')],
  ['1.3.101.112', row('id-Ed25519', 'ed25519', null, 'absent')],
]);

/**
 * Reads an AlgorithmIdentifier. An unknown algorithm, or a known one with other parameters than it may have, is not an
 * error until a signature has to be verified: the self-signature of an authority never is.
 *
 * @throws ReadError `bad_der`.
 */
export function readSignatureAlgorithm(element: DerElement): AlgorithmIdentifier {
  const what = 'a signature algorithm';
  const reader = element.children(what);
  const oid = readOid(reader.expect(Tag.objectIdentifier, what), what);
  const parameters = reader.done ? undefined : reader.any(what);
  reader.end(what);
  if (oid === RSA_PSS) return { oid, algorithm: readPss(parameters) };
  const [algorithm, allowed] = ALGORITHMS.get(oid) ?? [];
  const isNull = parameters?.tag === Tag.null && parameters.content.length === 0;
  const fits = parameters === undefined || (isNull && allowed === 'null or absent');
  return { oid, algorithm: fits ? algorithm : undefined };
}

/** Whether the key is of the algorithm's type and the signature verifies over exactly these bytes. */
export function verifyCertificateSignature(
  algorithm: CertificateSignatureAlgorithm,
  key: KeyObject,
  tbs: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (key.asymmetricKeyType !== algorithm.keyType) return false;
  const options = algorithm.isPss
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key, dsaEncoding: 'der' as const };
  try {
    return verify(algorithm.hash, tbs, options, signature);
  } catch {
    // OpenSSL throws instead of answering for some malformed signatures; no signature of that kind is valid.
    return false;
  }
}

/**
 * RSASSA-PSS-params of RFC 4055 section 3.1, restricted to what RFC 8446 section 4.2.3 also asks for: SHA-2, MGF1 over
 * the same hash, a salt as long as the hash.
 */
function readPss(parameters: DerElement | undefined): CertificateSignatureAlgorithm | undefined {
  if (parameters?.tag !== Tag.sequence) return undefined;
  const what = 'RSASSA-PSS parameters';
  const reader = parameters.children(what);
  const hashField = reader.optional(0xa0, what);
  const maskField = reader.optional(0xa1, what);
  const saltField = reader.optional(0xa2, what);
  if (hashField === undefined || maskField === undefined || saltField === undefined || !reader.done) return undefined;
  const hash = HASHES.get(readHashIdentifier(hashField.children(what), what) ?? '');
  const mask = maskField.children(what).expect(Tag.sequence, what).children(what);
  if (readOid(mask.expect(Tag.objectIdentifier, what), what) !== MGF1) return undefined;
  const maskHash = HASHES.get(readHashIdentifier(mask, what) ?? '');
  const salt = saltField.children(what);
  const saltLength = readSmallInteger(salt.expect(Tag.integer, what), what);
  salt.end(what);
  if (hash === undefined || maskHash !== hash || saltLength !== hash.length) return undefined;
  return { name: 'id-RSASSA-PSS', keyType: 'rsa', hash: hash.hash, isPss: true };
}

function readHashIdentifier(outer: DerReader, what: string): string | undefined {
  const reader = outer.expect(Tag.sequence, what).children(what);
  outer.end(what);
  const oid = readOid(reader.expect(Tag.objectIdentifier, what), what);
  if (!reader.done && reader.expect(Tag.null, what).content.length !== 0) return undefined;
  return reader.done ? oid : undefined;
}

function row(
  name: string,
  keyType: CertificateSignatureAlgorithm['keyType'],
  hash: CertificateSignatureAlgorithm['hash'],
  parameters: Parameters,
): readonly [CertificateSignatureAlgorithm, Parameters] {
  return [{ name, keyType, hash, isPss: false }, parameters];
}
