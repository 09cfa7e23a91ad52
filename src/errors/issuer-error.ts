import { SvidkitError } from './svidkit-error.js';

/**
 * Why an issuer does not issue.
 *
 * - `foreign_trust_domain`: the identifier belongs to another trust domain; an issuer speaks for its own only.
 * - `no_path`: the identifier names the trust domain itself, which no workload may carry (X509-SVID section 3.1).
 * - `bad_dns_name`: a DNS name that may not stand in a certificate.
 * - `unknown_authority`: no published authority has this identifier, or has signed this certificate.
 * - `authority_active`: the authority still signs; rotate first, then revoke the old one.
 */
export type IssuerErrorCode =
  | 'foreign_trust_domain'
  | 'no_path'
  | 'bad_dns_name'
  | 'unknown_authority'
  | 'authority_active';

/** A credential that an issuer refuses to issue, or an authority or certificate that it refuses to revoke. */
export class IssuerError extends SvidkitError<IssuerErrorCode> {}
