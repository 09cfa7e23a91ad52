/** DER, or nearly: a writer that knows nothing of the reader under test, and that also writes what DER forbids. */
export type Der = Uint8Array<ArrayBuffer>;

export function element(tag: number, ...contents: readonly Uint8Array[]): Der {
  const content = Buffer.concat(contents);
  return new Uint8Array(Buffer.concat([bytes(tag, ...lengthOf(content.length)), content]));
}

export const sequence = (...contents: readonly Uint8Array[]): Der => element(0x30, ...contents);
export const set = (...contents: readonly Uint8Array[]): Der => element(0x31, ...contents);
export const octetString = (content: Uint8Array): Der => element(0x04, content);
export const bitString = (content: Uint8Array, unused = 0): Der => element(0x03, bytes(unused), content);
export const boolean = (value: boolean): Der => element(0x01, bytes(value ? 0xff : 0x00));
export const nothing = (): Der => element(0x05);
export const utf8 = (text: string): Der => element(0x0c, Buffer.from(text));
export const printable = (text: string): Der => element(0x13, Buffer.from(text));
export const ia5 = (text: string): Der => element(0x16, Buffer.from(text, 'latin1'));
/** `[n]` around whole elements. */
export const explicit = (number: number, ...contents: readonly Uint8Array[]): Der =>
  element(0xa0 | number, ...contents);
/** `[n]` in place of the tag of a primitive element. */
export const implicit = (number: number, content: Uint8Array): Der => element(0x80 | number, content);

export function bytes(...octets: readonly number[]): Der {
  return new Uint8Array(octets);
}

/** A non-negative integer, or the content octets as they are. */
export function integer(value: number | bigint | Uint8Array): Der {
  if (value instanceof Uint8Array) return element(0x02, value);
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return element(0x02, Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, 'hex'));
}

export function oid(dotted: string): Der {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  return element(0x06, ...[first * 40n + second, ...rest].map(base128));
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
export function time(date: Date): Der {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits));
}

/** A BIT STRING with named bits set, without trailing zero bits. */
export function namedBits(...positions: readonly number[]): Der {
  const highest = Math.max(-1, ...positions);
  const octets = new Uint8Array(Math.ceil((highest + 1) / 8));
  for (const position of positions) octets[position >> 3] = (octets[position >> 3] ?? 0) | (0x80 >> (position & 7));
  return bitString(octets, highest < 0 ? 0 : 7 - (highest & 7));
}

function base128(arc: bigint): Der {
  const groups = [Number(arc & 127n)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) groups.unshift(Number(rest & 127n) | 0x80);
  return bytes(...groups);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}
