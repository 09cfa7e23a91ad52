import { ReadError } from './read-error.js';

export type Base64urlRule = 'bad_base64url';

/**
 * Whole groups of four, then nothing, two characters of which the last leaves four bits over, or three of which it leaves
 * two: the bits left over are zero.
 */
const CANONICAL = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$/;

/** Without padding, as RFC 7515 section 2 writes it. */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * Reads the one spelling that {@link encodeBase64url} gives: no padding, no white space, no `+` or `/`, and no set bits
 * after the last byte, so that two texts never mean the same bytes. The empty text is the empty array. Callers bound
 * the length first.
 */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> {
  // The copy leaves Node's shared pool, whose other bytes an exposed `buffer` would show.
  return new Uint8Array(decodeBase64urlInPool(text));
}

/** {@link decodeBase64url} for bytes that are looked at and given to nobody. */
export function decodeBase64urlInPool(text: string): Buffer {
  if (CANONICAL.test(text)) return Buffer.from(text, 'base64url');
  throw new ReadError<Base64urlRule>('bad_base64url', 'a value is not canonical base64url without padding');
}
