import { ReadError } from './read-error.js';

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

export type JsonOf<N> = null | boolean | N | string | readonly JsonOf<N>[] | JsonObjectOf<N>;
export interface JsonObjectOf<N> {
  readonly [name: string]: JsonOf<N>;
}
export type JsonValue = JsonOf<number>;
export interface JsonObject extends JsonObjectOf<number> {}

export interface JsonLimits {
  readonly maxBytes?: number | undefined;
  readonly maxDepth?: number | undefined;
  readonly maxMembers?: number | undefined;
}

export function readJson(input: Uint8Array | string, limits: JsonLimits = {}): JsonValue {
  throw new ReadError<JsonRule>('bad_json', `${input.length}${limits.maxBytes}`);
}
export function readJsonObject(input: Uint8Array | string, limits: JsonLimits = {}): JsonObject {
  throw new ReadError<JsonRule>('bad_json', `${input.length}${limits.maxBytes}`);
}
export function readJsonObjectWithBigints(
  input: Uint8Array | string,
  limits: JsonLimits = {},
): JsonObjectOf<number | bigint> {
  throw new ReadError<JsonRule>('bad_json', `${input.length}${limits.maxBytes}`);
}
