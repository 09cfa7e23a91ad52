export { type BundleEndpointHandlerOptions, createBundleEndpointHandler } from './bundle-endpoint-handler.js';
export {
  createFederatedBundleSource,
  FederatedBundleSource,
  type FederatedBundleSourceOptions,
  type FederationHealth,
  type FederationReadyOptions,
  type FederationUpdatesOptions,
} from './federated-bundle-source.js';
export { type BundleEndpointOptions, type FetchSpiffeBundleOptions, fetchSpiffeBundle } from './fetch-spiffe-bundle.js';
export type { EndpointProfile, HttpsSpiffeProfile, HttpsWebProfile } from './profile.js';
export type { FirstFetchBackoff, RefreshBounds } from './refresh-schedule.js';
