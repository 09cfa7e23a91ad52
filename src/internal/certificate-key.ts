import { createPublicKey, type KeyObject } from 'node:crypto';
import { encodeBase64url } from './base64url.js';
import type { CertificateRule } from './certificate-extensions.js';
import { type DerElement, DerReader, Tag } from './der.js';
import { readOctetAlignedBits, readOid, readUnsigned } from './der-values.js';
import { isOnCurve } from './ec-curve.js';
import { type JwkCurve, type JwkMaterial, readMaterial } from './jwk-material.js';
import { ReadError } from './read-error.js';

/** RFC 5480 section 2.1.1.1, with the length of a coordinate. */
const CURVES: ReadonlyMap<string, { readonly crv: JwkCurve; readonly size: number }> = new Map([
  ['1.2.840.10045.3.1.7', { crv: 'P-256', size: 32 }],
  ['1.3.132.0.34', { crv: 'P-384', size: 48 }],
  ['1.3.132.0.35', { crv: 'P-521', size: 66 }],
]);

/**
 * Checks a SubjectPublicKeyInfo by the rules that hold for a JWK: RSA of 2048 to 8192 bits with an odd exponent of 3 to
 * 32 bits, EC on P-256, P-384 or P-521 as an uncompressed point of the curve, or Ed25519 in canonical form and not of
 * small order. Costs a small part of an import, which node:crypto would also grant to RSA of 512 bits and exponent 1.
 *
 * @throws ReadError `bad_der`, `unsupported_key`, `malformed_key` or `weak_key`.
 */
export function checkPublicKey(spki: Uint8Array<ArrayBuffer>): JwkMaterial {
  const what = 'a public key';
  const reader = new DerReader(spki).expect(Tag.sequence, what).children(what);
  const algorithm = reader.expect(Tag.sequence, what).children(what);
  const oid = readOid(algorithm.expect(Tag.objectIdentifier, what), what);
  const key = readOctetAlignedBits(reader.expect(Tag.bitString, what), what);
  const material = readKey(oid, algorithm, key);
  algorithm.end(what);
  return material;
}

/**
 * Checks and imports a SubjectPublicKeyInfo.
 *
 * @throws ReadError as {@link checkPublicKey}.
 */
export function importPublicKey(spki: Uint8Array<ArrayBuffer>): KeyObject {
  const { members, crv } = checkPublicKey(spki);
  try {
    // By measurement: OpenSSL takes 200 us to find its decoder for DER, and with a JWK a point on a large curve is
    // multiplied by the order of the group.
    if (crv === 'P-384' || crv === 'P-521') {
      return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    }
    return createPublicKey({ key: { ...members }, format: 'jwk' });
  } catch (cause) {
    throw new ReadError<CertificateRule>('malformed_key', 'the public key cannot be imported', { cause });
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

function readKey(oid: string, algorithm: DerReader, key: Uint8Array<ArrayBuffer>): JwkMaterial {
  switch (oid) {
    case '1.2.840.113549.1.1.1':
      return readRsa(algorithm, key);
    case '1.2.840.10045.2.1':
      return readEc(algorithm, key);
    case '1.3.101.112':
      return readMaterial({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key) });
    default:
      throw new ReadError<CertificateRule>('unsupported_key', `public key algorithm ${oid} is not accepted`);
  }
}

/** RFC 3279 section 2.3.1. */
function readRsa(algorithm: DerReader, key: Uint8Array<ArrayBuffer>): JwkMaterial {
  const what = 'an RSA key';
  if (algorithm.expect(Tag.null, what).content.length !== 0) throw malformed('RSA parameters are not NULL');
  const outer = new DerReader(key);
  const reader = outer.expect(Tag.sequence, what).children(what);
  outer.end(what);
  const n = readUnsigned(reader.expect(Tag.integer, what), what);
  const e = readUnsigned(reader.expect(Tag.integer, what), what);
  reader.end(what);
  return readMaterial({ kty: 'RSA', n: encodeBase64url(n), e: encodeBase64url(e) });
}

/** RFC 5480 section 2. */
function readEc(algorithm: DerReader, key: Uint8Array<ArrayBuffer>): JwkMaterial {
  const parameters = algorithm.any('the parameters of an EC key');
  const isNamed = parameters.tag === Tag.objectIdentifier;
  const curve = CURVES.get(isNamed ? readOid(parameters, 'the curve of an EC key') : '');
  if (curve === undefined) {
    throw new ReadError<CertificateRule>(
      'unsupported_key',
      'an EC key is not on the named curve P-256, P-384 or P-521',
    );
  }
  const { crv, size } = curve;
  if (key.length !== 1 + 2 * size || key[0] !== 0x04) throw malformed('an EC key is not an uncompressed point');
  const x = key.subarray(1, 1 + size);
  const y = key.subarray(1 + size);
  if (!isOnCurve(crv, x, y)) throw malformed(`an EC key is not a point of ${crv}`);
  return { kty: 'EC', crv, members: { crv, kty: 'EC', x: encodeBase64url(x), y: encodeBase64url(y) }, size };
}

function malformed(message: string): ReadError<CertificateRule> {
  return new ReadError('malformed_key', message);
}
