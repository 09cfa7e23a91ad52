import { HttpSignatureError } from '../errors/index.js';
import { quote } from '../internal/quote.js';

/** A bare item of RFC 8941 section 3.3. The types are kept apart: `1`, `1.0` and `"1"` are three different things. */
export type BareItem =
  | { readonly type: 'integer' | 'decimal'; readonly value: number }
  | { readonly type: 'string' | 'token'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'boolean'; readonly value: boolean };

/** In the order in which they were written. */
export type ItemParameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly kind: 'item';
  readonly value: BareItem;
  readonly parameters: ItemParameters;
}

export interface InnerList {
  readonly kind: 'inner-list';
  readonly items: readonly Item[];
  readonly parameters: ItemParameters;
}

/** A member of a dictionary with the text it was written as, without key and equals sign. */
interface DictionaryMember {
  readonly value: Item | InnerList;
  readonly text: string;
}

export type Dictionary = ReadonlyMap<string, DictionaryMember>;

/** More than Node lets a whole header section have. */
const MAX_CHARACTERS = 16_384;

/**
 * Reads a dictionary (RFC 8941 section 4.2.2). Stricter than the standard in what would leave two readings: a key or
 * parameter that is there twice is refused where the standard takes the last one, and so is base64 that is not canonical.
 */
export function readDictionary(text: string): Dictionary {
  if (text.length > MAX_CHARACTERS) {
    throw new HttpSignatureError('too_large', `a structured field has more than ${MAX_CHARACTERS} characters`);
  }
  const reader = new Reader(text);
  reader.take(SPACES);
  const members = new Map<string, DictionaryMember>();
  while (!reader.atEnd) {
    const key = reader.take(KEY) ?? reader.refuse('a key');
    if (members.has(key)) refuseTwice(key);
    members.set(key, readMember(reader));
    reader.take(WHITE_SPACE);
    if (reader.atEnd) break;
    if (reader.take(COMMA) === undefined) reader.refuse('a comma');
    if (reader.atEnd) reader.refuse('a key after the comma');
  }
  return members;
}

const SPACES = / */y;
const WHITE_SPACE = /[ \t]*/y;
const COMMA = /,[ \t]*/y;
const EQUALS = /=/y;
const OPEN = /\( */y;
const CLOSE = /\)/y;
const SEPARATOR = / +/y;
const SEMICOLON = /; */y;
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?\d+(?:\.\d*)?/y;
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const BOOLEAN = /\?[01]/y;
/** RFC 8941 sections 3.3.1 and 3.3.2. */
const INTEGER_DIGITS = /^-?\d{1,15}$/;
const DECIMAL_DIGITS = /^-?\d{1,12}\.\d{1,3}$/;

class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    // RFC 8941 section 4.2, step 6.
    let end = text.length;
    while (text[end - 1] === ' ') end -= 1;
    this.#text = text.slice(0, end);
  }

  get position(): number {
    return this.#position;
  }

  get atEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  /** What the pattern (a sticky one) matches here, and goes past it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#position += found.length;
    return found;
  }

  since(start: number): string {
    return this.#text.slice(start, this.#position);
  }

  refuse(expected: string): never {
    throw new HttpSignatureError('bad_structured_field', `there is no ${expected} at character ${this.#position}`);
  }
}

function readMember(reader: Reader): DictionaryMember {
  if (reader.take(EQUALS) === undefined) {
    const start = reader.position;
    const value: Item = { kind: 'item', value: { type: 'boolean', value: true }, parameters: readParameters(reader) };
    return { value, text: reader.since(start) };
  }
  const start = reader.position;
  const value = reader.take(OPEN) === undefined ? readItem(reader) : readInnerList(reader);
  return { value, text: reader.since(start) };
}

function readInnerList(reader: Reader): InnerList {
  const items: Item[] = [];
  while (reader.take(CLOSE) === undefined) {
    items.push(readItem(reader));
    if (reader.take(SEPARATOR) !== undefined) continue;
    if (reader.take(CLOSE) === undefined) reader.refuse('space or closing parenthesis');
    break;
  }
  return { kind: 'inner-list', items, parameters: readParameters(reader) };
}

function readItem(reader: Reader): Item {
  return { kind: 'item', value: readBareItem(reader), parameters: readParameters(reader) };
}

function readParameters(reader: Reader): ItemParameters {
  const parameters = new Map<string, BareItem>();
  while (reader.take(SEMICOLON) !== undefined) {
    const key = reader.take(KEY) ?? reader.refuse('a parameter');
    if (parameters.has(key)) refuseTwice(key);
    parameters.set(key, reader.take(EQUALS) === undefined ? { type: 'boolean', value: true } : readBareItem(reader));
  }
  return parameters;
}

function readBareItem(reader: Reader): BareItem {
  const string = reader.take(STRING);
  if (string !== undefined) return { type: 'string', value: string.slice(1, -1).replace(/\\(.)/g, '$1') };
  const token = reader.take(TOKEN);
  if (token !== undefined) return { type: 'token', value: token };
  const bytes = reader.take(BYTES);
  if (bytes !== undefined) return { type: 'bytes', value: decodeBase64(bytes.slice(1, -1)) };
  const boolean = reader.take(BOOLEAN);
  if (boolean !== undefined) return { type: 'boolean', value: boolean === '?1' };
  const number = reader.take(NUMBER) ?? reader.refuse('an item');
  if (INTEGER_DIGITS.test(number)) return { type: 'integer', value: Number(number) + 0 };
  if (DECIMAL_DIGITS.test(number)) return { type: 'decimal', value: Number(number) + 0 };
  return reader.refuse('number of the length that RFC 8941 allows');
}

function decodeBase64(text: string): Uint8Array {
  const decoded = Buffer.from(text, 'base64');
  if (decoded.toString('base64') !== text) {
    throw new HttpSignatureError('bad_structured_field', 'a byte sequence is not canonical base64');
  }
  return new Uint8Array(decoded);
}

function refuseTwice(key: string): never {
  throw new HttpSignatureError('duplicate_member', `${quote(key)} is there twice`);
}
