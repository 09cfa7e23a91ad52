import type { JsonObject } from '../internal/json.js';
import { readWitJws } from './read-wit.js';

/** What a WIT claims to be. Nothing in it has been checked. */
export interface DecodedWit {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/**
 * Shows what is written in a token, for tools and messages to people. Neither signature nor time nor any claim is
 * checked: no decision may rest on it.
 *
 * @throws `WitError` when the text is not a compact JWS of JSON objects.
 */
export function decodeWitUnverified(token: string): DecodedWit {
  const { header, payload } = readWitJws(token, undefined);
  return { header, claims: payload };
}
