import { mtlsFetch, undiciAgent } from '../tls-matrix/support/http1-clients.js';
import { httpsServer } from '../tls-matrix/support/servers.js';
import { runRotation } from './support/run-rotation.js';

runRotation([
  { client: undiciAgent, server: httpsServer },
  { client: mtlsFetch, server: httpsServer },
]);
