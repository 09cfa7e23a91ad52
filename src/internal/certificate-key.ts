import { createPublicKey, type KeyObject } from 'node:crypto';
import type { CertificateRule } from './certificate-extensions.js';
import { type DerElement, DerReader, Tag } from './der.js';
import { readOctetAlignedBits, readOid, readUnsigned } from './der-values.js';
import { ReadError } from './read-error.js';

const MIN_RSA_BITS = 2048;
/** A verification with a longer modulus costs milliseconds, for every certificate that names it. */
const MAX_RSA_BITS = 8192;
const MAX_EXPONENT_OCTETS = 4;

/** Octets of an uncompressed point, by the named curve (RFC 5480 section 2.1.1.1). */
const POINT_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['1.2.840.10045.3.1.7', 65],
  ['1.3.132.0.34', 97],
  ['1.3.132.0.35', 133],
]);

/** The y coordinates of the eight points of small order on edwards25519, little endian, sign bit cleared. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/**
 * Imports a SubjectPublicKeyInfo: RSA of 2048 to 8192 bits with an odd exponent of 3 to 32 bits, EC on P-256, P-384 or
 * P-521 as an uncompressed point, or Ed25519. node:crypto alone would also take RSA of 512 bits and exponent 1.
 *
 * @throws ReadError `bad_der`, `unsupported_key`, `malformed_key` or `weak_key`.
 */
export function importPublicKey(spki: Uint8Array<ArrayBuffer>): KeyObject {
  const reader = new DerReader(spki).expect(Tag.sequence, 'a public key').children('a public key');
  const algorithm = reader.expect(Tag.sequence, 'a key algorithm').children('a key algorithm');
  const oid = readOid(algorithm.expect(Tag.objectIdentifier, 'a key algorithm'), 'a key algorithm');
  const key = readOctetAlignedBits(reader.expect(Tag.bitString, 'a public key'), 'a public key');
  if (oid === '1.2.840.113549.1.1.1') checkRsa(algorithm, key);
  else if (oid === '1.2.840.10045.2.1') checkEc(algorithm, key);
  else if (oid === '1.3.101.112') checkEd25519(key);
  else throw refuse('unsupported_key', `public key algorithm ${oid} is not accepted`);
  algorithm.end('a key algorithm');
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (error) {
    throw refuse('malformed_key', 'the public key is not a point of its curve or otherwise no key', error);
  }
}

/** The outer shape of a SubjectPublicKeyInfo, without a judgement on the key. */
export function checkPublicKeyShape(spki: DerElement): void {
  const what = 'a public key';
  const reader = spki.children(what);
  const algorithm = reader.expect(Tag.sequence, what).children(what);
  readOid(algorithm.expect(Tag.objectIdentifier, what), what);
  if (!algorithm.done) algorithm.any(what);
  algorithm.end(what);
  readOctetAlignedBits(reader.expect(Tag.bitString, what), what);
  reader.end(what);
}

/** RFC 3279 section 2.3.1. */
function checkRsa(algorithm: DerReader, key: Uint8Array<ArrayBuffer>): void {
  const what = 'an RSA key';
  if (algorithm.expect(Tag.null, what).content.length !== 0)
    throw refuse('malformed_key', 'RSA parameters are not NULL');
  const outer = new DerReader(key);
  const reader = outer.expect(Tag.sequence, what).children(what);
  outer.end(what);
  const modulus = readUnsigned(reader.expect(Tag.integer, what), what);
  const exponent = readUnsigned(reader.expect(Tag.integer, what), what);
  reader.end(what);
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS || !isOdd(modulus)) {
    throw refuse('weak_key', `an RSA key has an odd modulus of ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`);
  }
  const isOne = exponent.length === 1 && exponent[0] === 1;
  if (exponent.length > MAX_EXPONENT_OCTETS || isOne || !isOdd(exponent)) {
    throw refuse('weak_key', 'an RSA exponent is odd, at least 3 and at most 32 bits long');
  }
}

/** RFC 5480 section 2. Whether the point is on the curve is left to the import. */
function checkEc(algorithm: DerReader, key: Uint8Array<ArrayBuffer>): void {
  const parameters = algorithm.any('the parameters of an EC key');
  const curve =
    parameters.tag === Tag.objectIdentifier
      ? readOid(parameters, 'the curve of an EC key')
      : 'with explicit parameters';
  const length = POINT_LENGTHS.get(curve);
  if (length === undefined) throw refuse('unsupported_key', `curve ${curve} is not P-256, P-384 or P-521`);
  if (key.length !== length || key[0] !== 0x04) throw refuse('malformed_key', 'an EC key is not an uncompressed point');
}

/** RFC 8410 section 4; RFC 8032 section 5.1.3 for the range of y. */
function checkEd25519(key: Uint8Array<ArrayBuffer>): void {
  if (key.length !== 32) throw refuse('malformed_key', 'an Ed25519 key has 32 octets');
  const y = Buffer.from(key);
  y[31] = (y[31] ?? 0) & 0x7f;
  if (SMALL_ORDER.has(y.toString('hex'))) throw refuse('weak_key', 'an Ed25519 key is a point of small order');
  const isReduced = y[31] !== 0x7f || (y[0] ?? 0) < 0xed || y.subarray(1, 31).some((octet) => octet !== 0xff);
  if (!isReduced) throw refuse('malformed_key', 'an Ed25519 key is not in its canonical form');
}

function isOdd(octets: Uint8Array): boolean {
  return ((octets[octets.length - 1] ?? 0) & 1) === 1;
}

function refuse(rule: CertificateRule, message: string, cause?: unknown): ReadError<CertificateRule> {
  return new ReadError(rule, message, cause === undefined ? undefined : { cause });
}
