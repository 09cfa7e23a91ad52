import { ReadError } from './read-error.js';

/**
 * - `bad_der`: not DER, or not the structure that was expected there.
 * - `too_large`: more bytes, or more nesting, than a reader here accepts.
 */
export type DerRule = 'bad_der' | 'too_large';

/** Identifier octets (X.690 section 8.1.2); a context tag is `0x80 | n`, constructed `0xa0 | n`. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

const MAX_DEPTH = 16;

/** One element: an identifier octet, its length and its content, all views of the bytes that were read. */
export class DerElement {
  readonly tag: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #start: number;
  readonly #contentStart: number;
  readonly #end: number;
  readonly #depth: number;

  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    tag: number,
    start: number,
    contentStart: number,
    end: number,
    depth: number,
  ) {
    this.tag = tag;
    this.#bytes = bytes;
    this.#start = start;
    this.#contentStart = contentStart;
    this.#end = end;
    this.#depth = depth;
  }

  /** Identifier, length and content. */
  get raw(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get content(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#contentStart, this.#end);
  }

  /**
   * A reader of the elements inside.
   *
   * @throws ReadError `bad_der` for a primitive element, `too_large` below 16 levels.
   */
  children(what: string): DerReader {
    if ((this.tag & 0x20) === 0) throw badDer(`${what} is not a constructed element`);
    return this.nested();
  }

  /** A reader of DER inside a primitive element, such as the OCTET STRING of an extension. */
  nested(): DerReader {
    return new DerReader(this.#bytes, this.#contentStart, this.#end, this.#depth + 1);
  }
}

/**
 * Reads DER elements one after the other, and nothing that is only BER: a length has its shortest form and is never
 * indefinite, and a tag number is below 31 (X.690 sections 8.1 and 10.1). The caller says which element it expects and
 * ends with {@link DerReader.end}, so that nothing trails.
 */
export class DerReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #limit: number;
  readonly #depth: number;
  #position: number;

  constructor(bytes: Uint8Array<ArrayBuffer>, start = 0, limit: number = bytes.length, depth = 0) {
    if (depth > MAX_DEPTH) throw new ReadError<DerRule>('too_large', `DER is nested deeper than ${MAX_DEPTH} levels`);
    this.#bytes = bytes;
    this.#limit = limit;
    this.#depth = depth;
    this.#position = start;
  }

  get done(): boolean {
    return this.#position >= this.#limit;
  }

  /** The identifier octet of the next element, or undefined at the end. */
  peek(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#position];
  }

  /** The next element, whatever its tag. `what` names it in error messages. */
  any(what: string): DerElement {
    const start = this.#position;
    const tag = this.#octet(what);
    if ((tag & 0x1f) === 0x1f) throw badDer(`${what} has a tag number over 30`);
    const length = this.#length(what);
    const contentStart = this.#position;
    const end = contentStart + length;
    if (end > this.#limit) throw badDer(`${what} is cut short`);
    this.#position = end;
    return new DerElement(this.#bytes, tag, start, contentStart, end, this.#depth);
  }

  /** The next element, which must have that tag. */
  expect(tag: number, what: string): DerElement {
    const found = this.peek();
    if (found !== tag) {
      throw badDer(
        found === undefined ? `${what} is missing` : `${what} has tag ${hex(found)} in place of ${hex(tag)}`,
      );
    }
    return this.any(what);
  }

  /** The next element if it has that tag. */
  optional(tag: number, what: string): DerElement | undefined {
    return this.peek() === tag ? this.any(what) : undefined;
  }

  /** Refuses anything after the last element that was read. */
  end(what: string): void {
    if (!this.done) throw badDer(`${what} holds more than it should`);
  }

  #octet(what: string): number {
    const octet = this.#position < this.#limit ? this.#bytes[this.#position] : undefined;
    if (octet === undefined) throw badDer(`${what} is cut short`);
    this.#position += 1;
    return octet;
  }

  /** X.690 section 10.1: definite, in the fewest octets. */
  #length(what: string): number {
    const first = this.#octet(what);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) throw badDer(`${what} has an indefinite length`);
    if (count > 4) throw badDer(`${what} has a length of more than four octets`);
    let length = 0;
    for (let i = 0; i < count; i += 1) {
      const octet = this.#octet(what);
      if (i === 0 && octet === 0) throw badDer(`${what} has a length with a leading zero`);
      length = length * 256 + octet;
    }
    if (length < 0x80) throw badDer(`${what} has a long length where the short form suffices`);
    return length;
  }
}

/**
 * Reads exactly one element of that tag from bytes of unknown origin.
 *
 * @throws ReadError `bad_der`, also for trailing bytes; `too_large` over `maxBytes`.
 */
export function readDer(bytes: Uint8Array<ArrayBuffer>, tag: number, what: string, maxBytes: number): DerElement {
  if (bytes.length > maxBytes) throw new ReadError<DerRule>('too_large', `${what} has more than ${maxBytes} bytes`);
  const reader = new DerReader(bytes);
  const element = reader.expect(tag, what);
  if (!reader.done) throw badDer(`bytes follow ${what}`);
  return element;
}

/** Checks that an element whose meaning is not ours is still DER all the way down. */
export function checkDeeply(element: DerElement, what: string): void {
  if ((element.tag & 0x20) === 0) return;
  for (const reader = element.children(what); !reader.done; ) checkDeeply(reader.any(what), what);
}

export function badDer(message: string): ReadError<DerRule> {
  return new ReadError('bad_der', message);
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
