export { createDevEndpoint, type DevEndpointOptions } from './create-dev-endpoint.js';
export type { AddWorkloadOptions, DevEndpoint } from './dev-endpoint.js';
export type { DevIdentity } from './dev-identity.js';
export type { DevWorkload } from './dev-workload.js';
