import { http2Pool, http2Session } from '../tls-matrix/support/http2-clients.js';
import { strictHttp2Server } from '../tls-matrix/support/http2-servers.js';
import { runRotation } from './support/run-rotation.js';

runRotation([
  { client: http2Session, server: strictHttp2Server },
  { client: http2Pool, server: strictHttp2Server },
]);
