import { ReadError } from './read-error.js';

export type Base64urlRule = 'bad_base64url';

const ALPHABET = /^[A-Za-z0-9_-]*$/;

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
  if (ALPHABET.test(text) && text.length % 4 !== 1) {
    const decoded = Buffer.from(text, 'base64url');
    // The copy leaves Node's shared pool, whose other bytes an exposed `buffer` would show.
    if (decoded.toString('base64url') === text) return new Uint8Array(decoded);
  }
  throw new ReadError<Base64urlRule>('bad_base64url', 'a value is not canonical base64url without padding');
}
