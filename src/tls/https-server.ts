import type { RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { Acceptor } from './accept.js';
import { type DrainOptions, readOnDrain } from './drain-options.js';
import { httpGates } from './http-gates.js';
import type { ConnectionPolicy, MtlsServerOptions } from './mtls-options.js';
import { readMtlsServerOptions } from './read-options.js';
import { readTuning } from './tls-context.js';

/**
 * An https server that presents the current X.509-SVID and admits only clients whose SVID it has verified and the
 * authorizer admits. Verification is done on the certificates presented, before the http layer sees the connection, so
 * no byte of a refused client's requests is parsed; the connection is destroyed. The SVID is read anew for every
 * connection; without one the connection is refused and the server lives on.
 *
 * Before each request on a kept connection the client is checked again: expired certificates and a bundle that no longer
 * verifies them are answered with 421 (the client may try again on a new connection, RFC 9110 section 15.5.20), an
 * authorizer that has changed its mind with 403; either way the connection ends. A connection that was upgraded
 * carries no requests: it is destroyed when its client is withdrawn (see {@link ConnectionPolicy}), and `onDrain` is told
 * when it should end.
 *
 * Who called is `getPeer(request)`. Sessions are not resumed, TLS is 1.2 or later.
 *
 * @param handler a request listener: a function, or a framework's application.
 * @param serverOptions Node's own; those that svidkit decides (`key`, `cert`, `ca`, `requestCert`, `SNICallback` and the
 * like) are a `TypeError`.
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createHttpsServer(
  options: MtlsServerOptions & DrainOptions,
  handler?: RequestListener,
  serverOptions: ServerOptions = {},
): Server {
  const acceptor = new Acceptor(readMtlsServerOptions(options), readTuning(serverOptions));
  const server = createServer({ ...serverOptions, ...acceptor.tlsOptions }, handler);
  return acceptor.guard(server, httpGates(acceptor, readOnDrain(options)));
}
