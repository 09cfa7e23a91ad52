import { JsonParser } from './json-parser.js';
import { ReadError } from './read-error.js';

/**
 * - `too_large`: more bytes than the reader was told to accept.
 * - `bad_text`: not UTF-8, a byte order mark, NUL, or half of a surrogate pair.
 * - `bad_json`: not JSON as RFC 8259 writes it, or something after it.
 * - `duplicate_member`: an object names a member twice, however it is escaped.
 * - `forbidden_member`: a member called `__proto__`, which would reach the prototype of a careless copy.
 * - `too_deep`, `too_many_members`: nested or long beyond what any credential needs.
 * - `number_out_of_range`: a number beyond 2^53 - 1 either way, or one that a double turns into zero.
 * - `not_an_object`: JSON, but an array or a plain value where an object is due.
 */
export type JsonRule =
  | 'too_large'
  | 'bad_text'
  | 'bad_json'
  | 'duplicate_member'
  | 'forbidden_member'
  | 'too_deep'
  | 'too_many_members'
  | 'number_out_of_range'
  | 'not_an_object';

/** A JSON value whose numbers are of type `N`. */
export type JsonOf<N> = null | boolean | N | string | readonly JsonOf<N>[] | JsonObjectOf<N>;

/** A JSON object whose numbers are of type `N`: frozen, and without a prototype. */
export interface JsonObjectOf<N> {
  readonly [name: string]: JsonOf<N>;
}

/** A JSON value as svidkit hands it out: frozen all the way down. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object as svidkit hands it out: frozen, and without a prototype, so that only its own members answer. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export interface JsonLimits {
  /** Longest input in bytes of UTF-8, 8192 by default; anything longer is refused before it is decoded. */
  readonly maxBytes?: number | undefined;
  /** Deepest nesting of arrays and objects, 16 by default. */
  readonly maxDepth?: number | undefined;
  /** Most object members and array elements in the whole text, 1000 by default. */
  readonly maxMembers?: number | undefined;
}

/** For bundles: over 500 certificates or 700 keys. A million bytes of keys would block the process for seconds. */
export const BUNDLE_LIMITS: JsonLimits = { maxBytes: 1024 * 1024, maxMembers: 5000 };

/** Reads JSON so that no two readers can disagree about what it says (RFC 8725 section 2.6, RFC 7493). */
export function readJson(input: Uint8Array | string, limits: JsonLimits = {}): JsonValue {
  return read(input, limits, readDouble);
}

/** {@link readJson} for what must be an object. */
export function readJsonObject(input: Uint8Array | string, limits: JsonLimits = {}): JsonObject {
  return asObject(readJson(input, limits));
}

/** {@link readJsonObject}, except that whole numbers beyond 2^53 - 1 are delivered as `bigint` instead of refused. */
export function readJsonObjectWithBigints(
  input: Uint8Array | string,
  limits: JsonLimits = {},
): JsonObjectOf<number | bigint> {
  return asObject(read(input, limits, readInteger));
}

const DEFAULT_MAX_BYTES = 8192;
const MAX_NUMBER_LENGTH = 64;
const WHOLE = /^-?\d+$/;
const NOT_ZERO = /^-?[0.]*[1-9]/;
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function read<N>(input: Uint8Array | string, limits: JsonLimits, number: (text: string) => N): JsonOf<N> {
  const text = decode(input, limits.maxBytes ?? DEFAULT_MAX_BYTES);
  return new JsonParser(text, limits.maxDepth ?? 16, limits.maxMembers ?? 1000, number).parse();
}

function decode(input: Uint8Array | string, maxBytes: number): string {
  const tooLong =
    typeof input === 'string'
      ? input.length > maxBytes || Buffer.byteLength(input) > maxBytes
      : input.byteLength > maxBytes;
  if (tooLong) throw new ReadError<JsonRule>('too_large', `JSON text is longer than ${maxBytes} bytes`);
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  if (text.startsWith('\uFEFF')) throw new ReadError<JsonRule>('bad_text', 'JSON text begins with a byte order mark');
  if (LONE_SURROGATE.test(text)) throw new ReadError<JsonRule>('bad_text', 'JSON text holds a lone surrogate');
  return text;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ReadError<JsonRule>('bad_text', 'JSON text is not valid UTF-8');
  }
}

function readDouble(text: string): number {
  const value = text.length > MAX_NUMBER_LENGTH ? Number.NaN : Number(text);
  const survives = Math.abs(value) <= Number.MAX_SAFE_INTEGER && !(value === 0 && NOT_ZERO.test(text));
  if (!survives) {
    throw new ReadError<JsonRule>('number_out_of_range', 'JSON text holds a number that a double cannot keep');
  }
  return value === 0 ? 0 : value;
}

function readInteger(text: string): number | bigint {
  if (text.length > MAX_NUMBER_LENGTH || !WHOLE.test(text)) return readDouble(text);
  const value = Number(text);
  return Number.isSafeInteger(value) ? readDouble(text) : BigInt(text);
}

function asObject<N>(value: JsonOf<N>): JsonObjectOf<N> {
  if (typeof value !== 'object' || value === null || isArray(value)) {
    throw new ReadError<JsonRule>('not_an_object', 'JSON text is not an object');
  }
  return value as JsonObjectOf<N>;
}

function isArray<N>(value: JsonOf<N>): value is readonly JsonOf<N>[] {
  return Array.isArray(value);
}
