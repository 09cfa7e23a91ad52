import type { JwkRule } from './jwk.js';
import { ReadError } from './read-error.js';

/**
 * The y coordinates of the eight points of small order, little-endian. Under such a key one signature fits many
 * messages where OpenSSL is older, and node:crypto imports it without a word.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/**
 * Refuses the 32 bytes of an Ed25519 public key whose y is 2^255 - 19 or more (RFC 8032 section 5.1.3) or whose point
 * has small order, whatever its sign bit. A y that belongs to no point is not looked for: nothing verifies under it.
 */
export function checkEd25519Key(bytes: Uint8Array): void {
  const y = Buffer.from(bytes);
  y.writeUInt8(y.readUInt8(31) & 0x7f, 31);
  if (y.readUInt8(0) >= 0xed && y.readUInt8(31) === 0x7f && y.subarray(1, 31).every((byte) => byte === 0xff)) {
    throw new ReadError<JwkRule>('weak_key', 'an Ed25519 key must be in its canonical encoding');
  }
  if (SMALL_ORDER.has(y.toString('hex'))) {
    throw new ReadError<JwkRule>('weak_key', 'an Ed25519 key must not be a point of small order');
  }
}
