import { createHash, timingSafeEqual } from 'node:crypto';

/** The base64url SHA-256 of a token's exact text, as `wth`, `ath`, `tth` and `oth` carry it (RFC 9449 section 4.1). */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('base64url');
}

/** Compares in constant time. Another spelling of the same hash, padded or in hex, is another text and not equal. */
export function sameHash(expected: string, received: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(received)];
  return left.length === right.length && timingSafeEqual(left, right);
}
