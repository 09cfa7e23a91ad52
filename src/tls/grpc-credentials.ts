import type { TLSSocket } from 'node:tls';
import type * as grpc from '@grpc/grpc-js';
import { isSvidkitError, TlsError } from '../errors/index.js';
import { Connector } from './connect.js';
import type { Connection } from './connection.js';
import { leaveConnection } from './grpc-handover.js';
import { serverNameOf } from './grpc-target.js';
import type { MtlsClientOptions } from './mtls-options.js';
import { readMtlsClientOptions } from './read-options.js';

/** The application's own `@grpc/grpc-js`, 1.14 or newer, or what of it is used. */
export type GrpcCredentialsModule = Pick<typeof grpc, 'ChannelCredentials' | 'credentials' | 'Metadata'>;

type SecureConnector = ReturnType<grpc.ChannelCredentials['_createSecureConnector']>;
type Hook = Parameters<grpc.ChannelCredentials['_createSecureConnector']>;

/**
 * Channel credentials for grpc-js that present the current X.509-SVID and let calls out only to a server whose SVID is
 * verified and the authorizer admits, on every connection that the channel makes. Sessions are not resumed; HTTP/2 must be
 * agreed on by ALPN.
 *
 * Before each call the server is checked again. When it may not go on, or when our SVID is another than the one the
 * connection was made with, the channel leaves that connection and sends the call over a new one. Calls underway on the
 * old one go on there, unless `closeWithdrawn` ends them; so `rotation` makes no difference here. While no connection can be made, calls end with UNAVAILABLE, and the details name the rule: the code of the `TlsError` and, in brackets, that of
 * the error beneath it.
 *
 * Call credentials can be added with `grpc.credentials.combineChannelCredentials()`. Channels share connections only when
 * they were given the same object.
 *
 * ```ts
 * const client = new HealthClient('health.example.org:443', createGrpcCredentials(grpc, { svid, bundles, authorize }));
 * ```
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createGrpcCredentials(
  module: GrpcCredentialsModule,
  options: MtlsClientOptions,
): grpc.ChannelCredentials {
  const connector = new Connector(readMtlsClientOptions(options), {});
  class MtlsCredentials extends module.ChannelCredentials {
    override _isSecure(): boolean {
      return true;
    }

    override _equals(other: grpc.ChannelCredentials): boolean {
      return this === other;
    }

    override _createSecureConnector(target: Hook[0], channelOptions: Hook[1], more?: Hook[2]): SecureConnector {
      return new SubchannelConnector(module, connector, serverNameOf(target, channelOptions), more);
    }
  }
  return new MtlsCredentials();
}

/** Makes the connections of one subchannel, which has one at a time besides those that only finish their calls. */
class SubchannelConnector implements SecureConnector {
  readonly #connector: Connector;
  readonly #name: string;
  readonly #credentials: grpc.CallCredentials;
  #current: Connection | undefined;

  constructor(
    { credentials, Metadata }: GrpcCredentialsModule,
    connector: Connector,
    name: string,
    more: grpc.CallCredentials | undefined,
  ) {
    this.#connector = connector;
    this.#name = name;
    // Asked before each call. Where it leaves the channel without a connection, grpc-js makes a new one for the call.
    const check = credentials.createFromMetadataGenerator((_, callback) => {
      const connection = this.#current;
      if (connection === undefined || this.#connector.isReusable(connection)) return callback(null, new Metadata());
      // Not at once: grpc-js looks out for the end of a connection only after it has told the calls that waited for it,
      // and would count on this one for ever.
      setImmediate(() => {
        const refusal = this.#leave(connection);
        if (refusal === undefined) callback(null, new Metadata());
        else callback(refusal);
      });
    });
    this.#credentials = more === undefined ? check : check.compose(more);
  }

  connect(socket: Parameters<SecureConnector['connect']>[0]): ReturnType<SecureConnector['connect']> {
    return new Promise((resolve, reject) => {
      this.#connector.connect({ socket, servername: this.#name, ALPNProtocols: ['h2'] }, (error, connection) => {
        if (connection === undefined) return reject(legible(error));
        const secured = connection.socket.on('error', () => undefined);
        if (secured.alpnProtocol !== 'h2') {
          secured.destroy();
          return reject(legible(new TlsError('not_http2', 'the server did not agree to speak HTTP/2')));
        }
        // To leave a connection is no loss to what it carries, so it is never too busy for that.
        connection.use({ isIdle: () => true, drain: () => void leaveConnection(secured) });
        tellLoss(secured);
        this.#current = connection;
        return resolve({ socket: secured, secure: true });
      });
    });
  }

  waitForReady(): Promise<void> {
    return Promise.resolve();
  }

  getCallCredentials(): grpc.CallCredentials {
    return this.#credentials;
  }

  destroy(): void {}

  /** Why the call cannot be made, which is for a new connection to say wherever that is possible. */
  #leave(connection: Connection): Error | undefined {
    const { socket } = connection;
    const hasLeft = leaveConnection(socket);
    try {
      connection.recheck();
      return undefined;
    } catch (error) {
      if (!hasLeft || this.#connector.settings.closeWithdrawn) socket.destroy(error as Error);
      return hasLeft ? undefined : Object.assign(legible(error), { code: UNAVAILABLE });
    }
  }
}

/** The status code of gRPC. */
const UNAVAILABLE = 14;

/** Of a connection that is destroyed, grpc-js hands the reason to the calls, as UNAVAILABLE when it has this code. */
function tellLoss(socket: TLSSocket): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (reason) =>
    destroy(isSvidkitError(reason) ? Object.assign(legible(reason), { code: 'ECONNRESET' }) : reason);
}

/** Of what a connection fails with, grpc-js hands on the text alone. */
function legible(error: unknown): Error {
  if (!isSvidkitError(error)) return error instanceof Error ? error : new Error('no connection');
  const rule = isSvidkitError(error.cause) ? `${error.code} (${error.cause.code})` : error.code;
  return new Error(`${rule}: ${error.message}`, { cause: error });
}
