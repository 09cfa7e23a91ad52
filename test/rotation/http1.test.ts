import { httpsAgent } from '../tls-matrix/support/http1-clients.js';
import { httpsServer, wsServer } from '../tls-matrix/support/servers.js';
import { wsClient } from '../tls-matrix/support/ws-client.js';
import { runRotation } from './support/run-rotation.js';

runRotation([
  { client: httpsAgent, server: httpsServer },
  { client: wsClient, server: wsServer },
]);
