import { IdError, X509SvidError } from '../errors/index.js';
import { parseSpiffeId } from '../id/index.js';
import { type Certificate, fieldsOf } from '../internal/certificate.js';
import type { CertificateRevocationList } from '../internal/certificate-list.js';
import { quote } from '../internal/quote.js';
import { allowsPurpose, checkCriticalExtensions } from './leaf-rules.js';
import type { RevocationPolicy } from './revocation.js';
import type { X509Profile, X509Purpose } from './verify-x509-svid.js';

const SPIFFE_URI = /^spiffe:/i;

/** What a certificate on a path is checked against. */
export interface PathConditions {
  readonly profile: X509Profile;
  readonly purpose: X509Purpose | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly leewayMs: number;
  readonly crls: readonly CertificateRevocationList[];
  readonly revocation: RevocationPolicy;
}

/**
 * What a certificate must be in order to stand above another one, whatever that other one is. The authorities of the
 * bundle are held to the same rules as an intermediate: their time and their constraints count.
 */
export function checkAuthority(authority: Certificate, isAnchor: boolean, conditions: PathConditions): void {
  // A root that its domain trusts may come without key usage, an intermediate SVID may not (X509-SVID section 4.3).
  checkCa(authority, conditions.profile === 'spiffe' && !isAnchor);
  checkTime(authority, conditions);
  if (!allowsPurpose(authority.extendedKeyUsage, conditions.purpose)) {
    const holder = nameOf(authority);
    throw new X509SvidError('wrong_extended_key_usage', `the extended key usage of ${holder} is not for this use`);
  }
}

/**
 * A CA that may sign certificates, without critical extensions unknown here (RFC 5280 section 6.1.4 (k), (n) and (o)),
 * and without the identifier of a workload (X509-SVID section 3.2).
 */
export function checkCa(authority: Certificate, mustHaveKeyUsage: boolean): void {
  const { isCa, keyUsage, unknownCritical } = fieldsOf(authority);
  const maySign = keyUsage === undefined ? !mustHaveKeyUsage : keyUsage.has('keyCertSign');
  if (!isCa || !maySign) {
    throw new X509SvidError('not_a_ca', `${nameOf(authority)} is not a CA certificate that may sign certificates`);
  }
  checkCriticalExtensions(unknownCritical, nameOf(authority));
  for (const uri of authority.uriSans) {
    if (SPIFFE_URI.test(uri) && !isTrustDomainId(uri)) {
      throw new X509SvidError('ca_with_path', `${nameOf(authority)} is of a CA, whose SPIFFE ID must have no path`);
    }
  }
}

/**
 * RFC 5280 section 6.1.3 (a) (2): both ends of the validity are inclusive, and the leeway widens both. Written so that
 * a broken clock (`NaN`) refuses.
 */
export function checkTime(certificate: Certificate, { now, leewayMs }: PathConditions): void {
  const { notBefore, notAfter } = fieldsOf(certificate);
  if (!(now >= notBefore - leewayMs)) {
    const start = new Date(notBefore).toISOString();
    throw new X509SvidError('not_yet_valid', `${nameOf(certificate)} is not valid before ${start}`);
  }
  if (!(now <= notAfter + leewayMs)) {
    const end = new Date(notAfter).toISOString();
    throw new X509SvidError('expired', `${nameOf(certificate)} expired at ${end}`);
  }
}

/** RFC 5280 section 6.1: such a certificate, made when a CA changes its key, does not count as a step of the hierarchy. */
export function isSelfIssued(certificate: Certificate): boolean {
  const { subject, issuer } = fieldsOf(certificate);
  return subject.equals(issuer);
}

/** How messages call a certificate. */
export function nameOf(certificate: Certificate): string {
  const [uri] = certificate.uriSans;
  return `the certificate of ${quote(uri ?? certificate.subject)}`;
}

function isTrustDomainId(uri: string): boolean {
  try {
    return parseSpiffeId(uri).path === '';
  } catch (error) {
    if (error instanceof IdError) return false;
    throw error;
  }
}
