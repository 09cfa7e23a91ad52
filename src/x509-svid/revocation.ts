import { X509SvidError } from '../errors/index.js';
import { type Certificate, fieldsOf } from '../internal/certificate.js';
import {
  type CertificateListFields,
  type CertificateRevocationList,
  fieldsOfCertificateList,
} from '../internal/certificate-list.js';
import { verifyCertificateSignature } from '../internal/certificate-signature.js';
import { asRoomError } from '../internal/room-error.js';
import { nameOf, type PathConditions } from './authority-rules.js';

/**
 * What to make of a CA on the path that no CRL covers: `if-available` lets its certificates pass, `required` refuses
 * them. A CRL that covers a CA is obeyed in both cases, and refuses when it is not in its time.
 */
export type RevocationPolicy = 'if-available' | 'required';

/**
 * RFC 5280 section 6.3 for complete CRLs: no certificate of the path is revoked, by the newest CRL that the CA above it
 * has signed. The authority at the end is not looked at: it is trusted as long as the bundle names it.
 *
 * @throws `X509SvidError` `revoked`, `revocation_unknown`, `crl_not_current`, `crl_not_permitted` or
 * `bad_crl_signature`.
 */
export function checkRevocation(path: readonly Certificate[], conditions: PathConditions): void {
  if (conditions.crls.length === 0 && conditions.revocation === 'if-available') return;
  path.forEach((certificate, index) => {
    const issuer = path[index + 1];
    if (issuer !== undefined) checkCertificate(certificate, issuer, conditions);
  });
}

function checkCertificate(certificate: Certificate, issuer: Certificate, conditions: PathConditions): void {
  const lists = conditions.crls.filter((list) => isListOf(list, issuer)).map(fieldsOfCertificateList);
  if (lists.length === 0) {
    if (conditions.revocation === 'if-available') return;
    throw new X509SvidError('revocation_unknown', `no CRL tells whether ${nameOf(certificate)} is revoked`);
  }
  // RFC 5280 section 6.3.3 (f).
  if (fieldsOf(issuer).keyUsage?.has('cRLSign') === false) {
    throw new X509SvidError('crl_not_permitted', `${nameOf(issuer)} has signed a CRL and may not sign any`);
  }
  const newest = newestOf(lists, conditions);
  if (newest === undefined) throw notCurrent(issuer, 'is not valid yet');
  const revokedAt = newest.revoked.get(fieldsOf(certificate).serialNumber);
  if (revokedAt !== undefined) {
    throw new X509SvidError('revoked', `${nameOf(certificate)} was revoked at ${new Date(revokedAt).toISOString()}`);
  }
  if (!(conditions.now <= newest.nextUpdate + conditions.leewayMs)) {
    throw notCurrent(issuer, `ended at ${new Date(newest.nextUpdate).toISOString()}`);
  }
}

/** Of those that have begun, so that an older one cannot bring back what a newer one revoked. */
function newestOf(
  lists: readonly CertificateListFields[],
  { now, leewayMs }: PathConditions,
): CertificateListFields | undefined {
  const begun = lists.filter(({ thisUpdate }) => now >= thisUpdate - leewayMs);
  return begun.reduce<CertificateListFields | undefined>(
    (newest, list) => (newest === undefined || isNewer(list, newest) ? list : newest),
    undefined,
  );
}

/** By time, and where two are of one instant, by CRL number (RFC 5280 section 5.2.3). */
function isNewer(list: CertificateListFields, other: CertificateListFields): boolean {
  if (list.thisUpdate !== other.thisUpdate) return list.thisUpdate > other.thisUpdate;
  const [mine, theirs] = [list.number ?? '', other.number ?? ''];
  return mine.length === theirs.length ? mine > theirs : mine.length > theirs.length;
}

/**
 * Whether the CA made this list, which its signature alone tells: the key identifiers of a list and of a certificate
 * may be made in different ways (RFC 5280 section 4.2.1.2), so that a list may name its key otherwise than the CA does.
 * A list with the CA's name that another key signed is that of a CA with the same name, as SPIRE's authorities have
 * before and after a rotation; but one that names this key as the CA does must be signed by it.
 */
function isListOf(list: CertificateRevocationList, issuer: Certificate): boolean {
  const { issuer: name, authorityKeyId } = fieldsOfCertificateList(list);
  const { subject, subjectKeyId } = fieldsOf(issuer);
  if (!name.equals(subject)) return false;
  if (isSignedBy(list, issuer)) return true;
  if (authorityKeyId === undefined || authorityKeyId !== subjectKeyId) return false;
  throw new X509SvidError('bad_crl_signature', `a CRL that names the key of ${nameOf(issuer)} is not signed by it`);
}

/** The key that has signed a list, once it was found: a fact about bytes, true for whoever asks. */
const signers = new WeakMap<CertificateRevocationList, Uint8Array>();

/** The CAs that were found not to have signed a list, so that each is tried once. */
const others = new WeakMap<CertificateRevocationList, WeakSet<Certificate>>();

function isSignedBy(list: CertificateRevocationList, issuer: Certificate): boolean {
  const { spki } = fieldsOf(issuer);
  const known = signers.get(list);
  if (known !== undefined) return Buffer.compare(known, spki) === 0;
  const tried = others.get(list) ?? new WeakSet();
  if (tried.has(issuer)) return false;
  const { signatureAlgorithm, tbs, signature } = fieldsOfCertificateList(list);
  const key = asRoomError(X509SvidError, () => issuer.publicKey);
  const verified = verifyCertificateSignature(signatureAlgorithm, key, tbs, signature);
  if (verified) signers.set(list, spki);
  else others.set(list, tried.add(issuer));
  return verified;
}

function notCurrent(issuer: Certificate, what: string): X509SvidError {
  return new X509SvidError('crl_not_current', `the newest CRL of ${nameOf(issuer)} ${what}`);
}
