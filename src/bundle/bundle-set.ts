import { BundleError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import { JwtBundle } from './jwt-bundle.js';
import type { JwtBundleSource, WitBundleSource, X509BundleSource } from './source.js';
import { SpiffeBundle } from './spiffe-bundle.js';
import { WitBundle } from './wit-bundle.js';
import { X509Bundle } from './x509-bundle.js';

/**
 * Bundles of several trust domains, found by scheme and name together. Immutable; bundles are never merged, so that
 * what one publisher says about a trust domain cannot add to what another says.
 */
export class BundleSet implements X509BundleSource, JwtBundleSource, WitBundleSource {
  readonly #x509 = new Map<string, X509Bundle>();
  readonly #jwt = new Map<string, JwtBundle>();
  readonly #wit = new Map<string, WitBundle>();
  readonly #trustDomains = new Map<string, TrustDomain>();

  /**
   * A {@link SpiffeBundle} counts as an X.509, a JWT and a WIT bundle of its trust domain, also where those are empty.
   *
   * @throws `BundleError` `duplicate_bundle` for a second bundle of one kind for one trust domain.
   */
  constructor(bundles: Iterable<X509Bundle | JwtBundle | WitBundle | SpiffeBundle>) {
    for (const bundle of bundles) {
      const parts = bundle instanceof SpiffeBundle ? [bundle.x509, bundle.jwt, bundle.wit] : [bundle];
      for (const part of parts) this.#add(part);
    }
    Object.freeze(this);
  }

  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.#x509.get(trustDomain.toString());
  }

  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.#jwt.get(trustDomain.toString());
  }

  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined {
    return this.#wit.get(trustDomain.toString());
  }

  /** The trust domains that a bundle of any kind is held for, in the order they were given. */
  trustDomains(): TrustDomain[] {
    return [...this.#trustDomains.values()];
  }

  /** Whether the other set holds equal bundles for the same trust domains, in whatever order. */
  equals(other: BundleSet): boolean {
    return (
      sameBundles(this.#x509, other.#x509) && sameBundles(this.#jwt, other.#jwt) && sameBundles(this.#wit, other.#wit)
    );
  }

  #add(part: X509Bundle | JwtBundle | WitBundle): void {
    if (part instanceof X509Bundle) put(this.#x509, part, 'X.509');
    else if (part instanceof JwtBundle) put(this.#jwt, part, 'JWT');
    else if (part instanceof WitBundle) put(this.#wit, part, 'WIT');
    else throw new TypeError('a bundle set is made of X509Bundle, JwtBundle, WitBundle and SpiffeBundle objects');
    this.#trustDomains.set(part.trustDomain.toString(), part.trustDomain);
  }
}

function put<B extends { readonly trustDomain: TrustDomain }>(map: Map<string, B>, bundle: B, kind: string): void {
  const key = bundle.trustDomain.toString();
  if (map.has(key)) throw new BundleError('duplicate_bundle', `two ${kind} bundles were given for ${key}`);
  map.set(key, bundle);
}

function sameBundles<B extends { equals(other: B): boolean }>(
  mine: ReadonlyMap<string, B>,
  theirs: ReadonlyMap<string, B>,
): boolean {
  if (mine.size !== theirs.size) return false;
  return [...mine].every(([key, bundle]) => {
    const other = theirs.get(key);
    return other !== undefined && bundle.equals(other);
  });
}
