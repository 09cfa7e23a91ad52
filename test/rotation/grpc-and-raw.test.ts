import { grpcClient, grpcServer } from '../tls-matrix/support/grpc.js';
import { rawTls } from '../tls-matrix/support/raw-client.js';
import { rawTlsServer } from '../tls-matrix/support/raw-server.js';
import { runRotation } from './support/run-rotation.js';

runRotation([
  { client: grpcClient, server: grpcServer },
  { client: rawTls, server: rawTlsServer },
]);
