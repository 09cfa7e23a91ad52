import type { Base64urlRule } from './base64url.js';
import type { JsonObject, JsonRule } from './json.js';
import { ReadError } from './read-error.js';

export type JwsRule = JsonRule | Base64urlRule | 'not_compact' | 'bad_alg' | 'crit_present' | 'unsupported_header';

export interface CompactJws {
  readonly alg: string;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}
export interface CompactJwsOptions {
  readonly maxBytes?: number | undefined;
}
export function readCompactJws(token: string, options: CompactJwsOptions = {}): CompactJws {
  throw new ReadError<JwsRule>('not_compact', `${token.length}${options.maxBytes}`);
}
