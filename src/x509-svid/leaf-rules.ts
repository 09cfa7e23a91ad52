import { IdError, X509SvidError } from '../errors/index.js';
import { parseWorkloadId, SpiffeId, type WorkloadId } from '../id/index.js';
import { type Certificate, fieldsOf } from '../internal/certificate.js';
import { Extension } from '../internal/certificate-extensions.js';
import { checkPublicKey } from '../internal/certificate-key.js';
import { asRoomError } from '../internal/room-error.js';
import type { X509Profile, X509Purpose } from './verify-x509-svid.js';

/** RFC 5280 section 4.2.1.12. */
const PURPOSES: Readonly<Record<X509Purpose, string>> = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};
const ANY_PURPOSE = '2.5.29.37.0';

/**
 * The one identifier in a certificate. Exactly one URI name of any scheme, in both profiles: X509-SVID section 2 says
 * so, and under draft-ietf-wimse-workload-creds any absolute URI might be a second identifier.
 */
export function readId(certificate: Certificate): WorkloadId {
  const [uri, ...others] = certificate.uriSans;
  if (uri === undefined) throw new X509SvidError('no_uri_san', 'the certificate has no URI subject alternative name');
  if (others.length > 0) {
    throw new X509SvidError('several_uri_sans', 'the certificate has more than one URI subject alternative name');
  }
  try {
    return parseWorkloadId(uri);
  } catch (cause) {
    if (!(cause instanceof IdError)) throw cause;
    throw new X509SvidError('bad_id', `the URI in the certificate is not an identifier: ${cause.message}`, { cause });
  }
}

/** X509-SVID section 5.2: an identifier of the profile, with a path. */
export function readLeafId(leaf: Certificate, profile: X509Profile): WorkloadId {
  const id = readId(leaf);
  if (profile === 'spiffe' && !(id instanceof SpiffeId)) {
    throw new X509SvidError('bad_id', 'the identifier in the certificate is not a SPIFFE ID');
  }
  if (id.path === '') {
    throw new X509SvidError('no_path', `the identifier ${id} names a trust domain and no workload in it`);
  }
  return id;
}

/** X509-SVID sections 4 and 5.2, or what RFC 5280 and draft-ietf-wimse-mutual-tls section 3.2 leave of them. */
export function checkLeaf(leaf: Certificate, profile: X509Profile, purpose: X509Purpose | undefined): void {
  if (leaf.isCa)
    throw new X509SvidError('leaf_is_ca', 'the first certificate is a CA certificate and names no workload');
  checkKeyUsage(leaf, profile);
  checkPurposes(leaf, profile, purpose);
  const { subject, critical, unknownCritical, spki } = fieldsOf(leaf);
  if (subject.isEmpty && !critical.has(Extension.subjectAltName)) {
    throw new X509SvidError('san_not_critical', 'without a subject the subject alternative names must be critical');
  }
  checkCriticalExtensions(unknownCritical, 'the first certificate');
  asRoomError(X509SvidError, () => checkPublicKey(spki));
}

/** RFC 5280 section 4.2: a critical extension that is not processed refuses the certificate. */
export function checkCriticalExtensions(unknown: readonly string[], holder: string): void {
  if (unknown.length === 0) return;
  const list = unknown.join(', ');
  throw new X509SvidError('unknown_critical_extension', `${holder} has a critical extension unknown here: ${list}`);
}

/**
 * Whether the extended key usage of a CA allows the certificates below it to be used like that. RFC 5280 leaves this
 * open (X509-SVID section 4.4 notes it); as most validators do, the purposes of a CA count as a bound.
 */
export function allowsPurpose(
  extendedKeyUsage: readonly string[] | undefined,
  purpose: X509Purpose | undefined,
): boolean {
  if (extendedKeyUsage === undefined || extendedKeyUsage.includes(ANY_PURPOSE)) return true;
  const wanted = purpose === undefined ? Object.values(PURPOSES) : [PURPOSES[purpose]];
  return wanted.some((oid) => extendedKeyUsage.includes(oid));
}

function checkKeyUsage(leaf: Certificate, profile: X509Profile): void {
  const { keyUsage, critical } = fieldsOf(leaf);
  if (profile === 'spiffe') {
    if (keyUsage === undefined) throw new X509SvidError('missing_key_usage', 'the certificate has no key usage');
    if (!critical.has(Extension.keyUsage)) {
      throw new X509SvidError('key_usage_not_critical', 'the key usage of the certificate is not critical');
    }
  }
  if (keyUsage === undefined) return;
  if (!keyUsage.has('digitalSignature')) {
    throw new X509SvidError('wrong_key_usage', 'the key usage of the certificate lacks digitalSignature');
  }
  for (const usage of ['keyCertSign', 'cRLSign'] as const) {
    if (keyUsage.has(usage)) {
      throw new X509SvidError('wrong_key_usage', `the key usage of the certificate has ${usage}, which is for CAs`);
    }
  }
}

/** X509-SVID section 4.4: both purposes, whichever is in use. A WIMSE certificate may have the one it is used for. */
function checkPurposes(leaf: Certificate, profile: X509Profile, purpose: X509Purpose | undefined): void {
  const { extendedKeyUsage } = leaf;
  if (extendedKeyUsage === undefined) return;
  const hasBoth = extendedKeyUsage.includes(PURPOSES.server) && extendedKeyUsage.includes(PURPOSES.client);
  if (profile === 'spiffe' ? !hasBoth : !allowsPurpose(extendedKeyUsage, purpose)) {
    const wanted = profile === 'spiffe' ? 'both serverAuth and clientAuth' : `a TLS ${purpose ?? 'peer'}`;
    throw new X509SvidError(
      'wrong_extended_key_usage',
      `the extended key usage of the certificate is not for ${wanted}`,
    );
  }
}
