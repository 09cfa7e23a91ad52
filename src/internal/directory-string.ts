import { isAscii, isUtf8 } from 'node:buffer';
import { Tag } from './der.js';

/** Types of text with escapes between alphabets, which nobody decodes: Videotex, Graphic, General and CHARACTER STRING. */
const NEVER_DECODED: ReadonlySet<number> = new Set([0x15, 0x19, 0x1b, 0x3d]);
const SURROGATE = /[\uD800-\uDFFF]/u;

/**
 * The text of an attribute of a name, as well as can be (RFC 5280 section 4.1.2.4); `undefined` where it is no text, or
 * one that cannot be decoded.
 */
export function decodeDirectoryString(tag: number, value: Uint8Array<ArrayBuffer>): string | undefined {
  const bytes = toBuffer(value);
  switch (tag) {
    case Tag.utf8String:
      return bytes.toString('utf8');
    case Tag.printableString:
    case Tag.ia5String:
    case Tag.numericString:
    case Tag.visibleString:
    case Tag.teletexString:
      return bytes.toString('latin1');
    case Tag.bmpString:
      return bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : undefined;
    case Tag.universalString:
      return decodeUcs4(bytes);
    default:
      return undefined;
  }
}

/**
 * Whether a value is a text of which it cannot be told for sure what it says: malformed in its type, or in TeletexString,
 * which some write in Latin-1 and others in T.61.
 */
export function isUnclearText(tag: number, value: Uint8Array<ArrayBuffer>): boolean {
  switch (tag) {
    case Tag.utf8String:
      return !isUtf8(value);
    case Tag.printableString:
    case Tag.ia5String:
    case Tag.numericString:
    case Tag.visibleString:
      return !isAscii(value);
    case Tag.bmpString:
    case Tag.universalString: {
      const text = decodeDirectoryString(tag, value);
      return text === undefined || SURROGATE.test(text);
    }
    default:
      return tag === Tag.teletexString || NEVER_DECODED.has(tag);
  }
}

function decodeUcs4(bytes: Buffer): string | undefined {
  if (bytes.length % 4 !== 0) return undefined;
  const points = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(index * 4));
  if (points.some((point) => point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))) return undefined;
  return points.map((point) => String.fromCodePoint(point)).join('');
}

function toBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
