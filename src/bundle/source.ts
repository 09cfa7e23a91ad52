import type { TrustDomain } from '../id/index.js';
import type { JwtBundle } from './jwt-bundle.js';
import type { WitBundle } from './wit-bundle.js';
import type { X509Bundle } from './x509-bundle.js';

/** Where X.509 verification finds the authorities of a trust domain. Any object literal can be one. */
export interface X509BundleSource {
  /** The bundle of exactly this trust domain, or `undefined` when none is held: its SVIDs are then refused. */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined;
}

/** Where JWT-SVID verification finds the keys of a trust domain. Any object literal can be one. */
export interface JwtBundleSource {
  /** The bundle of exactly this trust domain, or `undefined` when none is held: its tokens are then refused. */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined;
}

/** Where WIT verification finds the keys of a trust domain. Any object literal can be one. */
export interface WitBundleSource {
  /** The bundle of exactly this trust domain, or `undefined` when none is held: its tokens are then refused. */
  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined;
}
