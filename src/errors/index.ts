export type { Base64urlRule } from '../internal/base64url.js';
export type { CertificateRule } from '../internal/certificate-extensions.js';
export type { CertificateListRule } from '../internal/certificate-list.js';
export type { JwsRule } from '../internal/compact-jws.js';
export type { DerRule } from '../internal/der.js';
export type { JsonRule } from '../internal/json.js';
export type { JwkRule } from '../internal/jwk.js';
export type { PemRule } from '../internal/pem.js';
export { BrokerApiError, type BrokerApiErrorCode, type BrokerApiErrorOptions } from './broker-api-error.js';
export { BundleError, type BundleErrorCode } from './bundle-error.js';
export { DevError, type DevErrorCode } from './dev-error.js';
export { FederationError, type FederationErrorCode } from './federation-error.js';
export { FileSourceError, type FileSourceErrorCode } from './file-source-error.js';
export {
  ProvingFetchError,
  type ProvingFetchErrorCode,
  type RefusalStatus,
  RequestAuthenticationError,
  type RequestAuthenticationErrorCode,
  type RequestAuthenticationErrorOptions,
} from './http-error.js';
export { HttpSignatureError, type HttpSignatureErrorCode } from './http-signature-error.js';
export { IdError, type IdErrorCode } from './id-error.js';
export { IssuerError, type IssuerErrorCode } from './issuer-error.js';
export { JwtSvidError, type JwtSvidErrorCode } from './jwt-svid-error.js';
export { ReplayError, type ReplayErrorCode } from './replay-error.js';
export { isSvidkitError, SvidkitError } from './svidkit-error.js';
export { TlsError, type TlsErrorCode, type TlsErrorOptions } from './tls-error.js';
export { WitError, type WitErrorCode } from './wit-error.js';
export {
  type EndpointAddressRule,
  WorkloadApiError,
  type WorkloadApiErrorCode,
  type WorkloadApiErrorOptions,
} from './workload-api-error.js';
export { WptError, type WptErrorCode } from './wpt-error.js';
export { X509SvidError, type X509SvidErrorCode } from './x509-svid-error.js';
