import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { Acceptor } from './accept.js';
import { findConnection } from './connection.js';
import { type DrainOptions, readOnDrain, useRaw } from './drain-options.js';
import type { MtlsServerOptions } from './mtls-options.js';
import { readMtlsServerOptions } from './read-options.js';
import { readTuning } from './tls-context.js';

/**
 * A TLS server, for a protocol of the application's own, that presents the current X.509-SVID and admits only clients
 * whose SVID it has verified and the authorizer admits. The SVID is read anew for every connection; without one the
 * connection is refused and the server lives on. A refused client's connection is destroyed, and neither its socket nor a
 * byte of it reaches the application. Sessions are not resumed, TLS is 1.2 or later.
 *
 * Who called is `getPeer(socket)`. When that peer is withdrawn, its socket is destroyed with the `TlsError` that says why;
 * see {@link ConnectionPolicy}. What is a request is for the application to know: where sources tell of no updates, it may
 * close sockets by its own rules.
 *
 * @param listener given every admitted socket, as the event `secureConnection` is.
 * @param serverOptions Node's own, such as `ALPNProtocols` and `allowHalfOpen`; those that svidkit decides (`key`, `cert`,
 * `ca`, `requestCert`, `SNICallback` and the like) are a `TypeError`.
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createTlsServer(
  options: MtlsServerOptions & DrainOptions,
  listener?: (socket: TLSSocket) => void,
  serverOptions: TlsOptions = {},
): Server {
  const onDrain = readOnDrain(options);
  const acceptor = new Acceptor(readMtlsServerOptions(options), readTuning(serverOptions));
  const server = createServer({ ...serverOptions, ...acceptor.tlsOptions });
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection = findConnection(socket);
    if (connection !== undefined) useRaw(connection, onDrain);
  });
  if (listener !== undefined) server.on('secureConnection', listener);
  return acceptor.guard(server);
}
