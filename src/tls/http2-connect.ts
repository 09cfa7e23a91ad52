import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { onAbort, openScope } from '../internal/abort.js';
import { Connector } from './connect.js';
import { type Connection, rememberConnection } from './connection.js';
import { publishRefuse } from './events.js';
import type { ConnectionPolicy, MtlsClientOptions } from './mtls-options.js';
import { readMtlsClientOptions } from './read-options.js';
import { readTuning } from './tls-context.js';

/**
 * Node's own options of a session and its connection. Those that svidkit decides (`ca`, `key`, `cert`,
 * `rejectUnauthorized`, `checkServerIdentity`, `createConnection` and the like) are a `TypeError`; `ALPNProtocols` is not
 * regarded, it is `h2` alone. `socket` may be a connection that is already open, such as a tunnel.
 */
export interface Http2ConnectOptions extends SecureClientSessionOptions {
  /** Gives up connecting; the session that exists afterwards is not touched. */
  readonly signal?: AbortSignal | undefined;
}

/** A session and the verified connection under it. */
export interface Http2Connection {
  readonly session: ClientHttp2Session;
  readonly connection: Connection;
}

/**
 * Opens an HTTP/2 session to a server whose SVID has been verified and admitted by the authorizer, over TLS with the
 * current X.509-SVID. The promise is fulfilled when the server's settings are here, so that `session.remoteSettings` can
 * be relied on; nothing has been requested by then. TLS sessions are not resumed.
 *
 * Before each `session.request()` the server is checked again: one whose certificates have expired, whose bundle no
 * longer verifies them or whom the authorizer no longer admits gets no further request; `request()` throws the
 * `TlsError` and the session ends, with the streams that are open unless `closeWithdrawn` is false. A session that is to
 * be drained (see {@link ConnectionPolicy}) is closed: it takes no new request, and ends with those it has. Errors of the
 * session reach its streams and its listeners, and are no uncaught exception where there are none.
 *
 * Who serves is `getPeer(session)`, also `getPeer(stream)`.
 *
 * The promise is rejected with a `TlsError`: what `createHttpsAgent` fails with, or `not_tls` (the URL is not https:),
 * `not_http2` (the server negotiated another protocol), `handshake_timeout` (no connection or no settings in time),
 * `connection_closed`; with the signal's reason; with Node's own error when there is no connection at all; with a
 * `TypeError` when an option is missing or wrong.
 *
 * @param authority an https: URL, of which host and port are used.
 */
export async function connectHttp2(
  authority: string | URL,
  options: MtlsClientOptions,
  sessionOptions: Http2ConnectOptions = {},
): Promise<ClientHttp2Session> {
  const { signal, ...rest } = sessionOptions;
  const { session } = await new Http2Connector(options, rest).open(readAuthority(authority), signal);
  return session;
}

/**
 * The origin of an https: URL.
 *
 * @throws `TypeError` when it is no URL, `TlsError` `not_tls`.
 */
export function readAuthority(authority: string | URL): URL {
  const url = new URL(authority);
  if (url.protocol !== 'https:') throw new TlsError('not_tls', 'mutual TLS was asked for, but the URL is not https:');
  return url;
}

/** Whether a session takes no more requests; Node says of a destroyed one that it is not closed. */
export function hasEnded(session: ClientHttp2Session): boolean {
  return session.closed || session.destroyed;
}

/** Makes verified HTTP/2 sessions with one set of options. */
export class Http2Connector {
  readonly #connector: Connector;
  readonly #options: SecureClientSessionOptions;

  /** @throws `TypeError` when an option is missing or wrong. */
  constructor(options: MtlsClientOptions, sessionOptions: SecureClientSessionOptions) {
    if (sessionOptions.createConnection !== undefined) {
      throw new TypeError('svidkit makes the connection itself; leave createConnection out, or give an open socket');
    }
    this.#connector = new Connector(readMtlsClientOptions(options), readTuning(sessionOptions));
    this.#options = sessionOptions;
  }

  /** As {@link connectHttp2}. */
  async open(authority: URL, signal: AbortSignal | undefined): Promise<Http2Connection> {
    const { handshakeTimeoutMs: timeoutMs } = this.#connector.settings;
    const deadline = performance.now() + timeoutMs;
    const connection = await this.#connect(authority, signal);
    const { socket } = connection;
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      throw refused(new TlsError('not_http2', 'the server did not agree to speak HTTP/2'));
    }
    const session = connect(authority, { ...this.#options, createConnection: () => socket });
    session.on('error', ignore);
    rememberConnection(session, connection);
    using scope = openScope({
      signal,
      timeoutMs: Math.max(deadline - performance.now(), 1),
      onTimeout: () =>
        refused(new TlsError('handshake_timeout', `the server sent no HTTP/2 settings within ${timeoutMs} ms`)),
    });
    await settled(session, scope.signal);
    // The session is the caller's, who may have a request in mind, so it is not idle by itself.
    connection.use({ isIdle: () => false, drain: () => session.close() });
    const opened = { session, connection };
    this.#checkRequests(opened);
    return opened;
  }

  /** Whether a new request of this moment may go over a session. One whose server is refused ends. */
  isReusable(opened: Http2Connection): boolean {
    const { session, connection } = opened;
    return !hasEnded(session) && this.#recheck(opened) === undefined && this.#connector.isReusable(connection);
  }

  /** A server that has meanwhile expired, lost its bundle or its authorization gets no further request. */
  #checkRequests(opened: Http2Connection): void {
    const { session, connection } = opened;
    const request = session.request.bind(session);
    session.request = (headers, options) => {
      const refusal = hasEnded(session) ? undefined : this.#recheck(opened);
      if (refusal !== undefined) throw refusal;
      const stream = request(headers, options);
      rememberConnection(stream, connection);
      return stream;
    };
  }

  #recheck({ session, connection }: Http2Connection): TlsError | undefined {
    try {
      connection.recheck();
      return undefined;
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      publishRefuse('client', error);
      if (this.#connector.settings.closeWithdrawn) session.destroy(error);
      else session.close();
      return error;
    }
  }

  async #connect(authority: URL, signal: AbortSignal | undefined): Promise<Connection> {
    const host = authority.hostname.replace(/^\[|\]$/g, '');
    const options: ConnectionOptions = {
      host,
      port: Number(authority.port || 443),
      servername: host,
      ...this.#options,
      ALPNProtocols: ['h2'],
    };
    try {
      return await this.#connector.open(options, signal);
    } catch (error) {
      throw isAlpnAlert(error) ? notHttp2(error) : error;
    }
  }
}

/** Waits for the server's settings. On failure the session is destroyed. */
async function settled(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  let failure: unknown;
  const failed = (error: Error): void => {
    failure = error;
  };
  session.once('error', failed);
  let release = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      session.once('remoteSettings', () => resolve());
      session.once('close', () => {
        const message = 'the connection closed before the HTTP/2 settings of the server had come';
        reject(new TlsError('connection_closed', message, { cause: failure }));
      });
      release = onAbort(signal, reject);
    });
  } catch (error) {
    session.destroy();
    throw error;
  } finally {
    release();
    session.off('error', failed);
  }
}

/** How OpenSSL says that the server would have none of the protocols offered (RFC 7301 section 3.2). */
function isAlpnAlert(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';
}

function notHttp2(cause: Error): TlsError {
  return refused(new TlsError('not_http2', 'the server refused to speak HTTP/2', { cause }));
}

function refused(error: TlsError): TlsError {
  publishRefuse('client', error);
  return error;
}

function ignore(): void {}
