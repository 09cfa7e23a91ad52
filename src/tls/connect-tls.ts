import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { Connector } from './connect.js';
import { type DrainOptions, readOnDrain, useRaw } from './drain-options.js';
import type { MtlsClientOptions } from './mtls-options.js';
import { readMtlsClientOptions } from './read-options.js';
import { readTuning } from './tls-context.js';

/**
 * Node's own options: `host`, `port` or `path`, `servername`, `ALPNProtocols` and so on. `socket` may be a connection that
 * is already open, such as a tunnel. Those that svidkit decides (`ca`, `key`, `cert`, `rejectUnauthorized`,
 * `checkServerIdentity` and the like) are a `TypeError`.
 */
export interface TlsConnectOptions extends ConnectionOptions {
  /** Gives up connecting; the socket that exists afterwards is not touched. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a TLS connection that presents the current X.509-SVID, to a server whose SVID has been verified and admitted by
 * the authorizer. The promise is fulfilled after that: the application sees no socket, and no byte, of a server that was
 * refused. Sessions are not resumed, TLS is 1.2 or later. Who serves is `getPeer(socket)`.
 *
 * The socket is Node's, with nothing between it and the application. When its peer is withdrawn it is destroyed with the
 * `TlsError` that says why, which is an `error` event; see {@link ConnectionPolicy}.
 *
 * The promise is rejected with a `TlsError`: `peer_refused`, `no_certificate`, `not_authorized`, `hostname_mismatch`,
 * `bundle_failed` or `crls_failed` for the server, `no_identity` or `identity_expired` for ourselves,
 * `handshake_timeout`, `connection_closed`; with the signal's reason; with Node's own error when there is no connection
 * at all; with a `TypeError` when an option is missing or wrong.
 */
export async function connectTls(
  options: MtlsClientOptions & DrainOptions,
  connectionOptions: TlsConnectOptions,
): Promise<TLSSocket> {
  const { signal, ...rest } = connectionOptions;
  const onDrain = readOnDrain(options);
  const connector = new Connector(readMtlsClientOptions(options), readTuning(rest));
  const connection = await connector.open(rest, signal);
  useRaw(connection, onDrain);
  return connection.socket;
}
