import { badDer, checkDeeply, type DerElement, Tag } from './der.js';
import { readOid } from './der-values.js';
import { decodeDirectoryString, isUnclearText } from './directory-string.js';

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
    const mine = this.#canonicalRdns();
    return (
      this.#rdns.length === other.#rdns.length && other.#canonicalRdns().every((rdn, index) => mine[index] === rdn)
    );
  }

  /**
   * Whether this name is the other one or stands below it in the tree (RFC 5280 section 4.2.1.10, directoryName);
   * undefined where that hangs on a text that cannot be decoded for sure.
   */
  isWithin(ancestor: DistinguishedName): boolean | undefined {
    const [mine, theirs] = [this.#canonicalRdns(), ancestor.#canonicalRdns()];
    const verdicts = theirs.map((rdn, index) => {
      const [one, other] = [this.#rdns[index], ancestor.#rdns[index]];
      return one !== undefined && other !== undefined && isUnclear(one, other) ? undefined : mine[index] === rdn;
    });
    return verdicts.includes(false) ? false : verdicts.includes(undefined) ? undefined : true;
  }

  /**
   * The values of emailAddress attributes, to which rfc822Name constraints apply too (RFC 5280 section 4.2.1.10); empty
   * for one that cannot be decoded for sure.
   */
  emailAddresses(): string[] {
    return this.#rdns
      .flat()
      .filter((attribute) => attribute.oid === EMAIL_ADDRESS)
      .map(({ tag, value }) => (isUnclearText(tag, value) ? '' : (decodeDirectoryString(tag, value) ?? '')));
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

/** Whether two parts of the same types differ in their bytes, and one holds a text that cannot be decoded for sure. */
function isUnclear(one: readonly Attribute[], other: readonly Attribute[]): boolean {
  const all = [...one, ...other];
  if (!all.some(({ tag, value }) => isUnclearText(tag, value))) return false;
  const types = (rdn: readonly Attribute[]) => JSON.stringify(rdn.map(({ oid }) => oid).sort());
  const bytes = (rdn: readonly Attribute[]) => JSON.stringify(rdn.map(asBytes));
  return types(one) === types(other) && bytes(one) !== bytes(other);
}

/**
 * RFC 5280 section 7.1: attributes of the string types are equal when they differ only in encoding, letter case and
 * repeated or outer spaces. Other values are compared as they are.
 */
function canonicalAttribute(attribute: Attribute): string {
  const text = decodeDirectoryString(attribute.tag, attribute.value);
  if (text === undefined) return asBytes(attribute);
  return `${attribute.oid} =${text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()}`;
}

function asBytes({ oid, tag, value }: Attribute): string {
  return `${oid} #${tag}:${Buffer.from(value).toString('hex')}`;
}

function showAttribute({ oid, tag, value }: Attribute): string {
  const name = SHORT_NAMES.get(oid) ?? oid;
  return `${name}=${decodeDirectoryString(tag, value) ?? `#${Buffer.from(value).toString('hex')}`}`;
}
