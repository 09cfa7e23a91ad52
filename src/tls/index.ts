export { connectTls, type TlsConnectOptions } from './connect-tls.js';
export { type Connected, type GrpcCall, getPeer } from './connection.js';
export type { DrainOptions } from './drain-options.js';
export { TLS_CHANNELS, type TlsAcceptEvent, type TlsEvents, type TlsRefuseEvent, type TlsSide } from './events.js';
export { createGrpcCredentials, type GrpcCredentialsModule } from './grpc-credentials.js';
export { createGrpcListener, type GrpcListenerModule } from './grpc-listener.js';
export { connectHttp2, type Http2ConnectOptions } from './http2-connect.js';
export { createHttp2Server, type Http2RequestListener } from './http2-server.js';
export {
  createHttp2SessionPool,
  type Http2SessionPool,
  type Http2SessionPoolOptions,
  type PooledSessionOptions,
} from './http2-session-pool.js';
export { createHttpsAgent } from './https-agent.js';
export { createHttpsServer } from './https-server.js';
export type { WebCertificate, WebCertificateSource } from './identity.js';
export { createMtlsFetch, type MtlsFetch } from './mtls-fetch.js';
export type {
  AcceptingOptions,
  ConnectingOptions,
  ConnectionPolicy,
  MtlsClientOptions,
  MtlsOptions,
  MtlsServerOptions,
  SpiffeClients,
  SpiffeServer,
  SpiffeServers,
  UnauthenticatedClients,
  VerifiedPeers,
  WebPkiServers,
  WebServer,
} from './mtls-options.js';
export { createTlsServer } from './tls-server.js';
export {
  createUndiciConnector,
  type UndiciConnectCallback,
  type UndiciConnectOptions,
  type UndiciConnector,
} from './undici-connector.js';
