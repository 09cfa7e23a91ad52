export type { Certificate } from '../internal/certificate.js';
export type { JwkCurve, PublicKeyJwk } from '../internal/jwk.js';
export { BundleSet } from './bundle-set.js';
export { JwtBundle, parseJwtBundle } from './jwt-bundle.js';
export type { BundleKey, BundleKeyInit, JwkSet, ParseKeyBundleOptions } from './key-bundle.js';
export type { JwtBundleSource, WitBundleSource, X509BundleSource } from './source.js';
export { parseSpiffeBundle, SpiffeBundle, type SpiffeBundleContents } from './spiffe-bundle.js';
export { parseWitBundle, WitBundle } from './wit-bundle.js';
export { parseX509Bundle, parseX509BundlePem, X509Bundle } from './x509-bundle.js';
