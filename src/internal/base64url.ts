import { ReadError } from './read-error.js';

export type Base64urlRule = 'bad_base64url';

const ALPHABET = /^[A-Za-z0-9_-]*$/;
/** What may stand last after whole groups of four characters and one or two more: the bits left over are zero. */
const LAST_OF_TWO = 'AQgw';
const LAST_OF_THREE = 'AEIMQUYcgkosw048';

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
  if (ALPHABET.test(text) && endsWell(text)) return Buffer.from(text, 'base64url');
  throw new ReadError<Base64urlRule>('bad_base64url', 'a value is not canonical base64url without padding');
}

function endsWell(text: string): boolean {
  const over = text.length % 4;
  const last = text.charAt(text.length - 1);
  return over === 0 || (over === 2 && LAST_OF_TWO.includes(last)) || (over === 3 && LAST_OF_THREE.includes(last));
}
