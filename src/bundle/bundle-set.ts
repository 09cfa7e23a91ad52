import type { TrustDomain } from '../id/index.js';
import type { JwtBundle } from './jwt-bundle.js';
import type { JwtBundleSource, WitBundleSource, X509BundleSource } from './source.js';
import type { SpiffeBundle } from './spiffe-bundle.js';
import type { WitBundle } from './wit-bundle.js';
import type { X509Bundle } from './x509-bundle.js';

export class BundleSet implements X509BundleSource, JwtBundleSource, WitBundleSource {
  constructor(bundles: Iterable<X509Bundle | JwtBundle | WitBundle | SpiffeBundle>) {
    throw new TypeError(`${bundles}`);
  }
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    throw new TypeError(`${trustDomain}`);
  }
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    throw new TypeError(`${trustDomain}`);
  }
  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined {
    throw new TypeError(`${trustDomain}`);
  }
  trustDomains(): TrustDomain[] {
    return [];
  }
  equals(other: BundleSet): boolean {
    return this === other;
  }
}
