import { badDer, type DerElement, Tag } from './der.js';

/** Longest OBJECT IDENTIFIER that is read, in octets; a UUID under 2.25 takes 20. */
const MAX_OID_OCTETS = 64;

/** X.690 section 11.1: TRUE is FF, FALSE is 00. */
export function readBoolean(element: DerElement, what: string): boolean {
  const { content } = element;
  if (content.length !== 1 || (content[0] !== 0x00 && content[0] !== 0xff)) {
    throw badDer(`${what} is not a boolean of one octet, 00 or FF`);
  }
  return content[0] === 0xff;
}

/** The content octets of an INTEGER, which must be the fewest possible (X.690 section 8.3.2). */
export function readInteger(element: DerElement, what: string): Uint8Array<ArrayBuffer> {
  const { content } = element;
  const [first, second] = content;
  if (first === undefined) throw badDer(`${what} is an integer without octets`);
  if (second !== undefined && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw badDer(`${what} is an integer with more octets than it needs`);
  }
  return content;
}

/** An INTEGER that is not negative, without the octet that keeps it so; zero is one zero octet. */
export function readUnsigned(element: DerElement, what: string): Uint8Array<ArrayBuffer> {
  const content = readInteger(element, what);
  const [first = 0] = content;
  if (first >= 0x80) throw badDer(`${what} is negative`);
  return first === 0x00 && content.length > 1 ? content.subarray(1) : content;
}

/** An INTEGER from 0 to 2^31 - 1. */
export function readSmallInteger(element: DerElement, what: string): number {
  const octets = readUnsigned(element, what);
  if (octets.length > 4) throw badDer(`${what} is out of range`);
  const value = octets.reduce((total, octet) => total * 256 + octet, 0);
  if (value > 0x7fffffff) throw badDer(`${what} is out of range`);
  return value;
}

/** A BIT STRING of whole octets, such as a signature or a public key. */
export function readOctetAlignedBits(element: DerElement, what: string): Uint8Array<ArrayBuffer> {
  const { content } = element;
  if (content.length === 0 || content[0] !== 0) throw badDer(`${what} is not a bit string of whole octets`);
  return content.subarray(1);
}

/**
 * A BIT STRING with named bits, as the positions that are set. DER leaves no trailing zero bit (X.690 section
 * 11.2.2).
 */
export function readNamedBits(element: DerElement, what: string): number[] {
  const { content } = element;
  const unused = content[0];
  if (unused === undefined || unused > 7 || (content.length === 1 && unused !== 0)) {
    throw badDer(`${what} is not a bit string`);
  }
  const last = content[content.length - 1] ?? 0;
  if (content.length > 1 && (last & ((1 << (unused + 1)) - 1)) !== 1 << unused) {
    throw badDer(`${what} has a trailing zero bit, or a set bit among the unused ones`);
  }
  const positions: number[] = [];
  content.subarray(1).forEach((octet, index) => {
    for (let bit = 0; bit < 8; bit += 1) if (octet & (0x80 >> bit)) positions.push(index * 8 + bit);
  });
  return positions;
}

/** An OBJECT IDENTIFIER in dotted form (X.690 section 8.19). */
export function readOid(element: DerElement, what: string): string {
  const { content } = element;
  if (content.length === 0 || content.length > MAX_OID_OCTETS) throw badDer(`${what} is not an object identifier`);
  const arcs: (number | bigint)[] = [];
  let arc: number | bigint = 0;
  let starts = true;
  for (const octet of content) {
    if (starts && octet === 0x80) throw badDer(`${what} is an object identifier with a padded arc`);
    arc =
      typeof arc === 'bigint' || arc > 2 ** 40 ? BigInt(arc) * 128n + BigInt(octet & 0x7f) : arc * 128 + (octet & 0x7f);
    starts = octet < 0x80;
    if (!starts) continue;
    if (arcs.length > 0) arcs.push(arc);
    else if (arc < 80) arcs.push(arc < 40 ? 0 : 1, Number(arc) % 40);
    else arcs.push(2, typeof arc === 'bigint' ? arc - 80n : arc - 80);
    arc = 0;
  }
  if (!starts) throw badDer(`${what} is an object identifier that is cut short`);
  return arcs.join('.');
}

/** UTCTime or GeneralizedTime in the one form that RFC 5280 section 4.1.2.5 allows, as milliseconds since the epoch. */
export function readTime(element: DerElement, what: string): number {
  const { content, tag } = element;
  const yearDigits = tag === Tag.utcTime ? 2 : 4;
  const isTime = (tag === Tag.utcTime || tag === Tag.generalizedTime) && content.length === yearDigits + 11;
  if (!isTime || content[yearDigits + 10] !== 0x5a) throw badDer(`${what} is not a time in UTC with seconds`);
  const year = readDigits(content, 0, yearDigits, what);
  const month = readDigits(content, yearDigits, 2, what);
  const day = readDigits(content, yearDigits + 2, 2, what);
  const hour = readDigits(content, yearDigits + 4, 2, what);
  const minute = readDigits(content, yearDigits + 6, 2, what);
  const second = readDigits(content, yearDigits + 8, 2, what);
  const fullYear = tag === Tag.utcTime ? year + (year < 50 ? 2000 : 1900) : year;
  const date = new Date(0);
  date.setUTCFullYear(fullYear, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // A day or an hour out of range moves the date instead of failing.
  const same =
    date.getUTCFullYear() === fullYear &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  if (!same) throw badDer(`${what} is a time that does not exist`);
  return date.getTime();
}

function readDigits(content: Uint8Array, start: number, count: number, what: string): number {
  let value = 0;
  for (let at = start; at < start + count; at += 1) {
    const digit = (content[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) throw badDer(`${what} is a time with something else than digits`);
    value = value * 10 + digit;
  }
  return value;
}

/** The content as text, which must be printable ASCII: no control character can hide in a name or a time. */
export function readAscii(element: DerElement, what: string): string {
  const { content } = element;
  for (const octet of content) {
    if (octet < 0x20 || octet > 0x7e) throw badDer(`${what} holds a character that is not printable ASCII`);
  }
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
}
