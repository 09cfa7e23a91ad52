import { BundleError } from '../errors/index.js';
import { BUNDLE_LIMITS, type JsonObjectOf, readJsonObjectWithBigints } from '../internal/json.js';
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

export function readJwkSet(json: string | Uint8Array): JwkSetDocument {
  return jwkSetOf(asRoomError(BundleError, () => readJsonObjectWithBigints(json, BUNDLE_LIMITS)));
}

/** A JWK Set inside another document. */
export function jwkSetOf(value: unknown): JwkSetDocument {
  const document = isObject(value) ? value : undefined;
  const keys = document?.['keys'];
  if (document === undefined || !Array.isArray(keys)) {
    throw new BundleError('not_a_jwk_set', 'a JWK Set must be an object with a list of keys');
  }
  return { document, entries: keys.map(asEntry) };
}

function asEntry(value: unknown): JwkEntry {
  if (isObject(value)) return value;
  throw new BundleError('not_a_jwk', 'every key of a JWK Set must be an object');
}

function isObject(value: unknown): value is JwkEntry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
