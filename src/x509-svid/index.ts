export type { Certificate, KeyUsage } from '../internal/certificate.js';
export type { CertificateRevocationList } from '../internal/certificate-list.js';
export { parseCertificateList, type X509CrlSource } from './certificate-list.js';
export { parseX509Svid, parseX509SvidPem, type X509SvidMaterial, type X509SvidOptions } from './parse-x509-svid.js';
export type { RevocationPolicy } from './revocation.js';
export {
  decodeX509SvidIdUnverified,
  type VerifiedX509Svid,
  type VerifyX509SvidOptions,
  verifyX509Svid,
  type X509Profile,
  type X509Purpose,
} from './verify-x509-svid.js';
export { X509Svid, type X509SvidSource } from './x509-svid.js';
