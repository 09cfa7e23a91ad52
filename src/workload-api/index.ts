export { BundleSource, createBundleSource } from './bundle-source.js';
export {
  createWorkloadApiClient,
  type ValidateJwtSvidRequest,
  type WitSvidRequest,
  WorkloadApiClient,
  type WorkloadApiClientOptions,
} from './client.js';
export type { DeliveredBundles } from './delivered.js';
export {
  type EndpointAddress,
  formatEndpointAddress,
  parseEndpointAddress,
} from './endpoint-address.js';
export {
  type FailureOfEvent,
  type IdentityOfEvent,
  type PredecessorOfEvent,
  WORKLOAD_API_CHANNELS,
  type WorkloadApiEvent,
  type WorkloadApiEvents,
} from './events.js';
export type { ValidatedJwtSvid } from './jwt-messages.js';
export { createJwtSource, type FetchJwtSvidRequest, JwtSource, type JwtSourceOptions } from './jwt-source.js';
export type { JwtSvidRequest } from './jwt-svid-query.js';
export type { CallOptions } from './limited-calls.js';
export type { PickSvid } from './pick-svid.js';
export type {
  ReadyOptions,
  Source,
  SourceBackoff,
  SourceHealth,
  SourceOptions,
  UpdatesOptions,
} from './source-options.js';
export type { WitContext } from './wit-context.js';
export { createWitSource, WitSource, type WitSourceOptions } from './wit-source.js';
export type { X509Context } from './x509-context.js';
export { createX509Source, X509Source, type X509SourceOptions } from './x509-source.js';
