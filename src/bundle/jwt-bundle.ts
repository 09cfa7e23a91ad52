import type { TrustDomainLike } from '../id/index.js';
import type { IgnoredKey } from './ignored-key.js';
import { readJwkSet } from './jwk-set.js';
import { type BundleKey, type BundleKeyInit, KeyBundle, type ParseKeyBundleOptions, readKeys } from './key-bundle.js';

/** The keys that sign the JWT-SVIDs of one trust domain (JWT-SVID section 6). */
export class JwtBundle extends KeyBundle<'jwt-svid'> {
  /**
   * `ignored` is what {@link KeyBundle.ignored} shows; by default nothing.
   *
   * @throws `BundleError` `duplicate_kid`, or the rule of the reader that refused a key. A key that is marked for
   * another `use` is a `TypeError`.
   */
  constructor(
    trustDomain: TrustDomainLike,
    keys: Iterable<BundleKey | BundleKeyInit>,
    ignored: Iterable<IgnoredKey> = [],
  ) {
    super('jwt-svid', trustDomain, keys, ignored);
  }
}

/**
 * Reads the JWT keys of a trust domain from a JWK Set. Keys of another `use` are not looked at. A key of an unknown
 * type or curve, and one that is weak or malformed, is left out and listed in {@link KeyBundle.ignored} (RFC 7517
 * section 5), so that one bad key does not take the others with it. Two sound keys with one `kid` refuse the set, and
 * so does a private key: it is no secret any more, and whoever published it may have published others.
 *
 * @throws `BundleError` `not_a_jwk_set`, `not_a_jwk` for a key that is no object, `duplicate_kid`,
 * `private_key_member`, or the rule of the JSON reader that refused.
 */
export function parseJwtBundle(
  trustDomain: TrustDomainLike,
  jwks: string | Uint8Array,
  options: ParseKeyBundleOptions = {},
): JwtBundle {
  const { keys, ignored } = readKeys(readJwkSet(jwks).entries, 'jwt-svid', options);
  return new JwtBundle(trustDomain, keys, ignored);
}
