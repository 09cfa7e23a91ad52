import type { CertificateRule } from '../internal/certificate.js';
import type { JsonRule } from '../internal/json.js';
import type { JwkRule } from '../internal/jwk.js';
import { SvidkitError } from './svidkit-error.js';

/**
 * Why trust material was refused as a whole. A published key that is unsupported, malformed or weak, or lacks a `kid`
 * that it must have, does not refuse its bundle, nor does the certificate of an X.509 entry in a SPIFFE bundle document:
 * they are listed in `ignored` there. Besides the codes below, the rules of the readers underneath:
 *
 * - JSON: `too_large`, `bad_text` (not UTF-8, a byte order mark, NUL, a lone surrogate), `bad_json`,
 *   `duplicate_member`, `forbidden_member` (`__proto__`), `too_deep`, `too_many_members`, `number_out_of_range`,
 *   `not_an_object`.
 * - JWK: `not_a_jwk`, `private_key_member`; for a key that the caller gives to a constructor also `unsupported_key`,
 *   `malformed_key`, `weak_key`.
 * - X.509: `bad_der`, `bad_certificate`, `unsupported_algorithm`.
 *
 * Its own:
 *
 * - `not_a_bundle_map`: no member `trust_domains`, or one that is not an object.
 * - `bad_trust_domain`: a SPIFFE bundle map names what is not a trust domain.
 * - `not_a_jwk_set`: no member `keys`, or one that is not a list.
 * - `duplicate_kid`: two keys of one bundle have the same `kid`, so a token could mean either.
 * - `missing_kid`: a JWT or WIT key without `kid` cannot be written to a SPIFFE bundle document (JWT-SVID section 6.1,
 *   WIT-SVID section 6.1).
 * - `bad_sequence`: `spiffe_sequence` is not a whole number of at most 64 bits.
 * - `bad_refresh_hint`: `spiffe_refresh_hint` is not a whole number of seconds.
 * - `duplicate_bundle`: a set was given two bundles of one kind for one trust domain.
 * - `not_a_ca`: a bundle in PEM or DER has a certificate that is not a CA's.
 * - `bad_pem`: a PEM text that cannot be read, or that holds something else than certificates.
 */
export type BundleErrorCode =
  | JsonRule
  | JwkRule
  | CertificateRule
  | 'not_a_bundle_map'
  | 'bad_trust_domain'
  | 'not_a_jwk_set'
  | 'duplicate_kid'
  | 'missing_kid'
  | 'bad_sequence'
  | 'bad_refresh_hint'
  | 'duplicate_bundle'
  | 'not_a_ca'
  | 'bad_pem';

/** Trust material that must not be trusted as it is. */
export class BundleError extends SvidkitError<BundleErrorCode> {}
