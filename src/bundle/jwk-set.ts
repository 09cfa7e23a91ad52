import { BundleError } from '../errors/index.js';
import { type JsonLimits, type JsonObjectOf, readJsonObjectWithBigints } from '../internal/json.js';
import { asRoomError } from '../internal/room-error.js';

/** The `use` of the keys of one kind of SVID (SPIFFE Trust Domain and Bundle section 4.2.2). */
export type SvidUse = 'x509-svid' | 'jwt-svid' | 'wit-svid';

/** One element of `keys`, not read further. */
export type JwkEntry = JsonObjectOf<number | bigint>;

/** A JWK Set document (RFC 7517 section 5). */
export interface JwkSetDocument {
  readonly document: JwkEntry;
  readonly entries: readonly JwkEntry[];
}

/** Over 500 certificates or 700 keys; a million bytes of keys would block the process for seconds. */
const LIMITS: JsonLimits = { maxBytes: 1024 * 1024, maxMembers: 5000 };

export function readJwkSet(json: string | Uint8Array): JwkSetDocument {
  return asRoomError(BundleError, () => {
    const document = readJsonObjectWithBigints(json, LIMITS);
    const keys = document['keys'];
    if (!Array.isArray(keys)) throw new BundleError('not_a_jwk_set', 'a JWK Set must have a list of keys');
    return { document, entries: keys.map(asEntry) };
  });
}

function asEntry(value: unknown): JwkEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BundleError('not_a_jwk', 'every key of a JWK Set must be an object');
  }
  return value as JwkEntry;
}
