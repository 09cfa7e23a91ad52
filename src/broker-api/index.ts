export { BrokeredSource } from './brokered-source.js';
export { BrokeredBundleSource } from './bundle-source.js';
export { BrokerApiClient, type BrokerApiClientOptions, createBrokerApiClient } from './client.js';
export { BROKER_API_CHANNELS, type BrokerApiEvent, type BrokerApiEvents, type BrokerFailureOfEvent } from './events.js';
export { BrokeredJwtSource, type BrokeredJwtSourceOptions } from './jwt-source.js';
export type {
  KubernetesObject,
  KubernetesObjectKey,
  KubernetesObjectType,
  KubernetesReference,
  OtherReference,
  ProcessReference,
  WorkloadReference,
} from './reference.js';
export type { BrokeredSourceHealth, BrokeredSourceOptions, SourceOfWorkload } from './source-setup.js';
export { BrokeredX509Source, type BrokeredX509SourceOptions } from './x509-source.js';
