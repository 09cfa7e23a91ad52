import type { CertificateRule } from '../internal/certificate.js';
import type { CertificateListRule } from '../internal/certificate-list.js';
import type { PemRule } from '../internal/pem.js';
import { SvidkitError } from './svidkit-error.js';

/**
 * Why a chain of certificates is not an X.509-SVID (or a WIMSE certificate) that may be trusted here. Besides the
 * rules of the strict readers (`bad_der`, `too_large`, `bad_certificate`, `unsupported_algorithm`, `unsupported_key`,
 * `malformed_key`, `weak_key`, `bad_pem`):
 *
 * - `empty_chain`, `chain_too_long`: no certificate, or more than 16.
 * - `no_uri_san`, `several_uri_sans`: not exactly one URI name of any scheme (X509-SVID section 2).
 * - `bad_id`: the URI is not an identifier that the profile accepts.
 * - `no_path`: the identifier names a trust domain and no workload in it (X509-SVID section 5.2).
 * - `leaf_is_ca`: the first certificate is a CA (X509-SVID section 4.1).
 * - `missing_key_usage`, `key_usage_not_critical`: X509-SVID section 4.3.
 * - `wrong_key_usage`: a leaf without digitalSignature, or with keyCertSign or cRLSign (X509-SVID section 4.3).
 * - `wrong_extended_key_usage`: the purposes of the leaf, or of a CA above it, do not allow this use.
 * - `san_not_critical`: no subject, and subject alternative names that are not critical (RFC 5280 section 4.1.2.6).
 * - `unknown_critical_extension`: RFC 5280 section 4.2.
 * - `expired`, `not_yet_valid`: a certificate on the path is outside its time, leeway included.
 * - `unknown_trust_domain`: no bundle is held for the trust domain of the identifier, scheme included.
 * - `untrusted`: no authority of that bundle, nor an intermediate in the chain, has the name of an issuer.
 * - `bad_signature`: a certificate with the name of the issuer is there, but its key did not make the signature.
 * - `not_a_ca`: an issuer is not a CA or may not sign certificates (X509-SVID section 3.2).
 * - `ca_with_path`: an issuer carries the identifier of a workload (X509-SVID section 3.2).
 * - `path_too_long`: more than 10 certificates, or more CAs below one than its path length allows.
 * - `name_not_permitted`: outside the name constraints of an issuer (RFC 5280 section 4.2.1.10).
 * - `bad_crl`, `unsupported_crl`: a revocation list that cannot be read, or a delta, indirect or partial one.
 * - `revoked`: by the newest CRL of its CA, a certificate on the path below the authority (RFC 5280 section 6.3).
 * - `revocation_unknown`: no CRL covers a CA on the path, and one is required.
 * - `crl_not_current`: the newest CRL of a CA on the path is outside its time, leeway included.
 * - `bad_crl_signature`: a CRL names a CA on the path and its key, and was not signed with it.
 * - `crl_not_permitted`: a CA has signed a CRL, and its key usage does not allow that.
 * - `too_much_work`: the chain makes more paths possible than are worth trying.
 * - `chain_broken`: one's own chain holds a certificate that signed none of those before it.
 * - `bad_private_key`: one's own private key cannot be read.
 * - `key_mismatch`: one's own private key does not belong to the leaf.
 * - `id_mismatch`: the identifier delivered next to the chain is not the one in the leaf.
 */
export type X509SvidErrorCode =
  | CertificateRule
  | CertificateListRule
  | PemRule
  | 'empty_chain'
  | 'chain_too_long'
  | 'no_uri_san'
  | 'several_uri_sans'
  | 'bad_id'
  | 'no_path'
  | 'leaf_is_ca'
  | 'missing_key_usage'
  | 'key_usage_not_critical'
  | 'wrong_key_usage'
  | 'wrong_extended_key_usage'
  | 'san_not_critical'
  | 'unknown_critical_extension'
  | 'expired'
  | 'not_yet_valid'
  | 'unknown_trust_domain'
  | 'untrusted'
  | 'bad_signature'
  | 'not_a_ca'
  | 'ca_with_path'
  | 'path_too_long'
  | 'name_not_permitted'
  | 'revoked'
  | 'revocation_unknown'
  | 'crl_not_current'
  | 'bad_crl_signature'
  | 'crl_not_permitted'
  | 'too_much_work'
  | 'chain_broken'
  | 'bad_private_key'
  | 'key_mismatch'
  | 'id_mismatch';

/** An X.509-SVID that was refused: a peer's chain, or one's own material. */
export class X509SvidError extends SvidkitError<X509SvidErrorCode> {}
