import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { Acceptor, type Gates, guardEvents } from './accept.js';
import { findConnection, rememberConnection } from './connection.js';
import { type DrainOptions, readOnDrain } from './drain-options.js';
import { httpGates, statusOf } from './http-gates.js';
import type { MtlsServerOptions } from './mtls-options.js';
import { readMtlsServerOptions } from './read-options.js';
import { readTuning } from './tls-context.js';

/** A listener for requests of HTTP/2 and, with `allowHTTP1`, of HTTP/1.1. */
export type Http2RequestListener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Node's own default is 4,294,967,295: one client could hold as many requests as its memory allows. */
const MAX_CONCURRENT_STREAMS = 250;

/**
 * An HTTP/2 server over TLS that admits clients as `createHttpsServer` does: verified on the certificates that they
 * presented before there is a session, so that no byte of a refused client is parsed. The SVID is read anew for every
 * connection. With `allowHTTP1`, clients that offer only HTTP/1.1 (RFC 7301) are served by the same handler.
 *
 * Before each stream the client is checked again, whether it is listened to by `stream` of the server, `stream` of the
 * session or `request`: expired certificates and a bundle that no longer verifies them are answered with 421 (the client
 * may try again on a new connection, RFC 9110 section 15.5.20), an authorizer that has changed its mind with 403. Then
 * the session ends, with its other streams unless `closeWithdrawn` is false. Streams that end so emit `error` as with
 * any client that goes away; here that is no uncaught exception where nobody listens.
 *
 * A session that is to be drained (see {@link ConnectionPolicy}) is sent a GOAWAY: it serves the streams that it has, and
 * ends. A request that was on its way at that moment is not served, and its client knows that it may repeat it (RFC 9113
 * section 8.7).
 *
 * Who called is `getPeer(request)`, `getPeer(stream)` or `getPeer(session)`, also after they have ended. TLS sessions are
 * not resumed, TLS is 1.2 or later.
 *
 * @param handler a request listener of Node's compatibility API: a function, or a framework's application.
 * @param serverOptions Node's own; those that svidkit decides (`key`, `cert`, `ca`, `requestCert`, `SNICallback` and the
 * like) are a `TypeError`. The limits that Node has against floods of frames stay as they are;
 * `settings.maxConcurrentStreams` is 250 unless set.
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createHttp2Server(
  options: MtlsServerOptions & DrainOptions,
  handler?: Http2RequestListener,
  serverOptions: SecureServerOptions = {},
): Http2SecureServer {
  const settings = readMtlsServerOptions(options);
  const acceptor = new Acceptor(settings, readTuning(serverOptions));
  const server = createSecureServer(
    {
      ...serverOptions,
      settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, ...serverOptions.settings },
      ...acceptor.tlsOptions,
    },
    handler,
  );
  return acceptor.guard(server, {
    ...http1Gates(httpGates(acceptor, readOnDrain(options))),
    session: (session: ServerHttp2Session) => admitSession(session, acceptor, settings.closeWithdrawn),
  });
}

/** Requests of HTTP/2 come by the same events, and have passed the gate of their stream. */
function http1Gates(all: Gates): Gates {
  const gates = Object.entries(all).map(([event, gate]) => {
    const admit = (request: object, ...rest: unknown[]): boolean =>
      request instanceof Http2ServerRequest || gate?.(...([request, ...rest] as never[])) !== false;
    return [event, admit] as const;
  });
  return Object.fromEntries(gates);
}

/** The streams of a session pass here before any listener, be it of the session or of the server. */
function admitSession(session: ServerHttp2Session, acceptor: Acceptor, closeWithdrawn: boolean): boolean {
  const connection = findConnection(session);
  if (connection === undefined) {
    session.destroy();
    return false;
  }
  rememberConnection(session, connection);
  // Its client may have a request on the way, so it is not idle by itself.
  connection.use({ isIdle: () => false, drain: () => session.close() });
  guardEvents(session, {
    stream: (stream: ServerHttp2Stream) => {
      rememberConnection(stream, connection);
      stream.on('error', ignore);
      const refusal = acceptor.recheck(stream);
      if (refusal === undefined) return true;
      refuse(stream, statusOf(refusal));
      // Not before the answers of this turn are on their way: Node takes back what it has not sent.
      setImmediate(() => {
        if (!stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
        session.close();
        if (closeWithdrawn) setImmediate(() => session.destroy());
      });
      return false;
    },
  });
  return true;
}

function refuse(stream: ServerHttp2Stream, status: number): void {
  if (!stream.destroyed) stream.respond({ ':status': status }, { endStream: true });
}

function ignore(): void {}
