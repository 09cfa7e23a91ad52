export { TLS_CHANNELS, type TlsAcceptEvent, type TlsEvents, type TlsRefuseEvent, type TlsSide } from './events.js';
export { createGrpcCredentials, type GrpcCredentialsModule } from './grpc-credentials.js';
export { createHttpsAgent } from './https-agent.js';
export { createHttpsServer } from './https-server.js';
export { createMtlsFetch, type MtlsFetch } from './mtls-fetch.js';
export type { MtlsClientOptions, MtlsOptions, MtlsServerOptions } from './mtls-options.js';
export {
  createUndiciConnector,
  type UndiciConnectCallback,
  type UndiciConnectOptions,
  type UndiciConnector,
} from './undici-connector.js';
export { type Connected, getPeer } from './verify-peer.js';
