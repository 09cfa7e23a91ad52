export { type Authorizer, anyId, exactly, memberOf, oneOf, under } from './authorizer.js';
export type { IdScheme } from './read-id.js';
export { parseTrustDomain, TrustDomain, type TrustDomainLike } from './trust-domain.js';
export { parseSpiffeId, parseWorkloadId, SpiffeId, spiffeId, WorkloadId, type WorkloadIdLike } from './workload-id.js';
