import { grpcClient, grpcServer } from './grpc.js';
import { httpsAgent, mtlsFetch, undiciAgent } from './http1-clients.js';
import { http2Pool, http2Session } from './http2-clients.js';
import { fastifyHttp2Server, mixedHttp2Server, strictHttp2Server } from './http2-servers.js';
import { rawTls } from './raw-client.js';
import { rawTlsServer } from './raw-server.js';
import { expressServer, fastifyServer, honoServer, httpsServer, wsServer } from './servers.js';
import type { Protocol, TlsClient, TlsServer } from './speech.js';
import { wsClient } from './ws-client.js';

export const CLIENTS: readonly TlsClient[] = [
  ...[httpsAgent, undiciAgent, mtlsFetch],
  ...[http2Session, http2Pool, grpcClient, rawTls, wsClient],
];

export const SERVERS: readonly TlsServer[] = [
  ...[httpsServer, fastifyServer, expressServer, honoServer, wsServer],
  ...[strictHttp2Server, mixedHttp2Server, fastifyHttp2Server, grpcServer, rawTlsServer],
];

/** What the two can speak with each other. */
export function commonProtocol(client: TlsClient, server: TlsServer): Protocol | undefined {
  return client.protocols.find((protocol) => server.protocols.includes(protocol));
}
