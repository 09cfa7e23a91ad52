import type { TrustDomainLike } from '../id/index.js';
import { readJwkSet } from './jwk-set.js';
import { type BundleKey, type BundleKeyInit, KeyBundle, type ParseKeyBundleOptions, readKeys } from './key-bundle.js';

/** The keys that sign the Workload Identity Tokens of one trust domain (WIT-SVID section 6). */
export class WitBundle extends KeyBundle<'wit-svid'> {
  /**
   * @throws `BundleError` `duplicate_kid`, or the rule of the reader that refused a key. A key that is marked for
   * another `use` is a `TypeError`.
   */
  constructor(trustDomain: TrustDomainLike, keys: Iterable<BundleKey | BundleKeyInit>) {
    super('wit-svid', trustDomain, keys);
  }
}

/**
 * Reads the WIT keys of a trust domain from a JWK Set. Keys of an unknown type, curve or `use` are ignored
 * (SPIFFE Trust Domain and Bundle section 4.1.3). A known key that is weak, malformed or private refuses the whole set,
 * because no sound publisher writes one and a set that silently lost a key fails later and elsewhere.
 *
 * @throws `BundleError` `not_a_jwk_set`, `duplicate_kid`, `missing_kid` where a `kid` is required, or the rule of
 * the JSON or JWK reader that refused.
 */
export function parseWitBundle(
  trustDomain: TrustDomainLike,
  jwks: string | Uint8Array,
  options: ParseKeyBundleOptions = {},
): WitBundle {
  return new WitBundle(trustDomain, readKeys(readJwkSet(jwks).entries, 'wit-svid', options));
}
