import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type * as grpc from '@grpc/grpc-js';
import { TlsError } from '../errors/index.js';
import { Acceptor } from './accept.js';
import { findConnection, rememberConnection } from './connection.js';
import type { MtlsServerOptions } from './mtls-options.js';
import { readMtlsServerOptions } from './read-options.js';
import { readTuning } from './tls-context.js';

/** The application's own `@grpc/grpc-js`, 1.14 or newer, or what of it is used. */
export type GrpcListenerModule = Pick<typeof grpc, 'experimental' | 'ServerCredentials' | 'ServerInterceptingCall'>;

type AuthContext = ReturnType<grpc.ServerInterceptingCall['getAuthContext']>;

/**
 * Lets a grpc-js server be called over mutual TLS: a server of Node that presents the current X.509-SVID, admits only
 * clients whose SVID it has verified and the authorizer admits, and hands those connections to gRPC. It can `listen()` on
 * whatever Node can, a Unix socket for one, and beside whatever else the gRPC server is bound to. The SVID is read anew
 * for every connection; without one the connection is refused and the server lives on. Sessions are not resumed, TLS is
 * 1.2 or later, and HTTP/2 must be agreed on by ALPN.
 *
 * Before each call the client is checked again: one whom the authorizer no longer admits gets PERMISSION_DENIED; one whose
 * certificates have expired or are no longer verified by the bundle gets UNAUTHENTICATED; neither is told more, and
 * either is told to leave the connection (GOAWAY). With the policy `drain`, and shortly before certificates expire, clients
 * are told so in time, and no call is refused.
 *
 * Who called is `getPeer(call)`, in handlers of every kind and in interceptors.
 *
 * Shutting the gRPC server down closes this one too. Closing this one ends no connection that it has accepted.
 *
 * ```ts
 * const server = new grpc.Server();
 * server.addService(HealthService, { check: (call, callback) => callback(null, { to: `${getPeer(call).id}` }) });
 * createGrpcListener(grpc, server, { svid, bundles, authorize: memberOf('example.org') }).listen(50051);
 * ```
 *
 * @param serverOptions Node's own; those that svidkit decides (`key`, `cert`, `ca`, `requestCert`, `SNICallback` and the
 * like) are a `TypeError`, `ALPNProtocols` is not regarded.
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createGrpcListener(
  module: GrpcListenerModule,
  server: grpc.Server,
  options: MtlsServerOptions,
  serverOptions: TlsOptions = {},
): Server {
  const settings = readMtlsServerOptions(options);
  const acceptor = new Acceptor(settings, readTuning(serverOptions));
  const listener = createServer({ ...serverOptions, ...acceptor.tlsOptions, ALPNProtocols: ['h2'] });
  const sockets = new Set<TLSSocket>();
  let open = true;
  whenShutDown(server, (how) => {
    open = false;
    listener.close();
    // grpc-js itself forgets them when it is not told to watch over them (channelz).
    if (how === 'forceShutdown') for (const socket of sockets) socket.destroy();
  });
  listener.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    if (!open) {
      socket.destroy();
    } else if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      listener.emit('tlsClientError', new TlsError('not_http2', 'the client did not ask to speak HTTP/2'), socket);
    } else {
      serve(socket, { module, server, acceptor, closeWithdrawn: settings.closeWithdrawn });
    }
  });
  return acceptor.guard(listener);
}

interface Serving {
  readonly module: GrpcListenerModule;
  readonly server: grpc.Server;
  readonly acceptor: Acceptor;
  readonly closeWithdrawn: boolean;
}

/** How long a refused client has to read why, before what else its connection carries is cut off. */
const LAST_WORD_MS = 100;

/** A connection gets credentials of its own in grpc-js, because an interceptor is not told whose call it stands before. */
function serve(socket: TLSSocket, { module, server, acceptor, closeWithdrawn }: Serving): void {
  const context: AuthContext = { transportSecurityType: 'ssl', sslPeerCertificate: socket.getPeerCertificate() };
  let calls = 0;
  // grpc-js calls it cancelling when a call was answered, too.
  const ended = (): void => {
    calls -= 1;
  };

  class CheckedCall extends module.ServerInterceptingCall {
    constructor(call: grpc.ServerInterceptingCallInterface) {
      super(call, {
        start: (next) => {
          const refusal = acceptor.recheck(socket);
          if (refusal === undefined) {
            calls += 1;
            return next({ onCancel: ended });
          }
          call.sendStatus(statusOf(refusal));
          injector.destroy();
          if (closeWithdrawn) setTimeout(() => socket.destroy(), LAST_WORD_MS).unref();
        },
      });
    }

    override getAuthContext(): AuthContext {
      return context;
    }
  }
  const { experimental, ServerCredentials } = module;
  const credentials = experimental.createServerCredentialsWithInterceptors(ServerCredentials.createInsecure(), [
    (_, call) => new CheckedCall(call),
  ]);
  // What grpc-js calls destroying says GOAWAY and lets the calls underway end.
  const injector = server.createConnectionInjector(credentials);
  injector.injectConnection(socket);
  socket.once('close', () => injector.destroy());
  const connection = findConnection(socket);
  if (connection === undefined) return;
  rememberConnection(context, connection);
  connection.use({ isIdle: () => calls === 0, drain: () => injector.destroy() });
}

const SHUTDOWNS = ['tryShutdown', 'forceShutdown'] as const;

/** Calls back before the server is shut down in either way. */
function whenShutDown(server: grpc.Server, callback: (how: (typeof SHUTDOWNS)[number]) => void): void {
  for (const name of SHUTDOWNS) {
    const shutDown = server[name].bind(server) as (...args: unknown[]) => void;
    const value = (...args: unknown[]): void => {
      callback(name);
      shutDown(...args);
    };
    Object.defineProperty(server, name, { value, configurable: true, writable: true });
  }
}

/** The status codes of gRPC that are given. */
const STATUS = { PERMISSION_DENIED: 7, UNAUTHENTICATED: 16 } as const;

function statusOf({ code }: TlsError): { code: grpc.status; details: string } {
  return code === 'not_authorized'
    ? { code: STATUS.PERMISSION_DENIED, details: 'permission denied' }
    : { code: STATUS.UNAUTHENTICATED, details: 'unauthenticated' };
}
