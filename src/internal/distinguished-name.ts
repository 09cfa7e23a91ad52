import { badDer, checkDeeply, type DerElement, Tag } from './der.js';
import { readOid } from './der-values.js';

const MAX_ATTRIBUTES = 64;
const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';
const SHORT_NAMES = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  [EMAIL_ADDRESS, 'emailAddress'],
]);

interface Attribute {
  readonly oid: string;
  readonly tag: number;
  readonly value: Uint8Array<ArrayBuffer>;
}

/** The Name of a subject or an issuer (RFC 5280 section 4.1.2.4). */
export class DistinguishedName {
  /** The DER of the whole Name. */
  readonly der: Uint8Array<ArrayBuffer>;
  readonly #rdns: readonly (readonly Attribute[])[];
  #canonical: readonly string[] | undefined;

  constructor(der: Uint8Array<ArrayBuffer>, rdns: readonly (readonly Attribute[])[]) {
    this.der = der;
    this.#rdns = rdns;
  }

  get isEmpty(): boolean {
    return this.#rdns.length === 0;
  }

  /** The same bytes, or the same attributes by the comparison of RFC 5280 section 7.1. */
  equals(other: DistinguishedName): boolean {
    if (Buffer.compare(this.der, other.der) === 0) return true;
    return this.#rdns.length === other.#rdns.length && this.isWithin(other);
  }

  /** Whether this name is the other one or stands below it in the tree (RFC 5280 section 4.2.1.10, directoryName). */
  isWithin(ancestor: DistinguishedName): boolean {
    const mine = this.#canonicalRdns();
    return ancestor.#canonicalRdns().every((rdn, index) => mine[index] === rdn);
  }

  /** The values of emailAddress attributes, to which rfc822Name constraints apply too (RFC 5280 section 4.2.1.10). */
  emailAddresses(): string[] {
    return this.#rdns
      .flat()
      .filter((attribute) => attribute.oid === EMAIL_ADDRESS)
      .map((attribute) => decodeString(attribute) ?? '');
  }

  /** For messages: most specific part last, control characters and length left to the caller. */
  toString(): string {
    const rdns = this.#rdns.map((rdn) => rdn.map(showAttribute).join('+'));
    return rdns.length === 0 ? '(no name)' : rdns.join(', ');
  }

  #canonicalRdns(): readonly string[] {
    this.#canonical ??= this.#rdns.map((rdn) => JSON.stringify(rdn.map(canonicalAttribute).sort()));
    return this.#canonical;
  }
}

/** @throws ReadError `bad_der`. */
export function readDistinguishedName(element: DerElement, what: string): DistinguishedName {
  const rdns: Attribute[][] = [];
  let count = 0;
  for (const sequence = element.children(what); !sequence.done; ) {
    const rdn: Attribute[] = [];
    for (const set = sequence.expect(Tag.set, what).children(what); !set.done; ) {
      const pair = set.expect(Tag.sequence, what).children(what);
      const oid = readOid(pair.expect(Tag.objectIdentifier, what), what);
      const value = pair.any(what);
      checkDeeply(value, what);
      pair.end(what);
      rdn.push({ oid, tag: value.tag, value: value.content });
      count += 1;
    }
    if (rdn.length === 0) throw badDer(`${what} has an empty part`);
    if (count > MAX_ATTRIBUTES) throw badDer(`${what} has more than ${MAX_ATTRIBUTES} attributes`);
    rdns.push(rdn);
  }
  return new DistinguishedName(element.raw, rdns);
}

/**
 * RFC 5280 section 7.1: attributes of the string types are equal when they differ only in encoding, letter case and
 * repeated or outer spaces. Other values are compared as they are.
 */
function canonicalAttribute(attribute: Attribute): string {
  const text = decodeString(attribute);
  if (text === undefined) return `${attribute.oid} #${attribute.tag}:${toBuffer(attribute.value).toString('hex')}`;
  return `${attribute.oid} =${text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()}`;
}

function showAttribute(attribute: Attribute): string {
  const name = SHORT_NAMES.get(attribute.oid) ?? attribute.oid;
  return `${name}=${decodeString(attribute) ?? `#${toBuffer(attribute.value).toString('hex')}`}`;
}

function decodeString({ tag, value }: Attribute): string | undefined {
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
    default:
      return undefined;
  }
}

function toBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
