export { type Caller, createRequestAuthenticator, refusalOf, requireCaller } from './http/index.js';
export { type Authorizer, anyId, exactly, memberOf, oneOf, under } from './id/index.js';
export { createMemoryReplayStore } from './replay/index.js';
export { getPeer } from './tls/index.js';
export {
  type PeerOptions,
  type ServerPeerOptions,
  Workload,
  type WorkloadConnectOptions,
  type WorkloadOptions,
  type WorkloadSignatureProofs,
  type WorkloadTokenProofs,
} from './workload.js';
