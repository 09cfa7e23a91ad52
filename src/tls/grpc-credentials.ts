import type * as grpc from '@grpc/grpc-js';
import { isSvidkitError } from '../errors/index.js';
import { type Connection, Connector } from './connect.js';
import { serverNameOf } from './grpc-target.js';
import { type MtlsClientOptions, readMtlsClientOptions } from './mtls-options.js';

/** The application's own `@grpc/grpc-js`, or what of it is used. */
export type GrpcCredentialsModule = Pick<typeof grpc, 'ChannelCredentials' | 'credentials' | 'Metadata'>;

type SecureConnector = ReturnType<grpc.ChannelCredentials['_createSecureConnector']>;
type Hook = Parameters<grpc.ChannelCredentials['_createSecureConnector']>;

/**
 * Channel credentials for grpc-js that present the current X.509-SVID and let calls out only to a server whose SVID is
 * verified and the authorizer admits, on every connection that the channel makes. Sessions are not resumed; HTTP/2 must be
 * agreed on by ALPN.
 *
 * Before each call the server is checked again; a connection whose server may not go on, or that is idle and was made
 * with an SVID of ours that has been replaced, is left for a new one before the call is sent. While no connection can be
 * made, calls end with UNAVAILABLE, and the details name the rule: the code of the `TlsError` and, in brackets, that of
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
  #current: UsedConnection | undefined;

  constructor(
    { credentials, Metadata }: GrpcCredentialsModule,
    connector: Connector,
    name: string,
    more: grpc.CallCredentials | undefined,
  ) {
    this.#connector = connector;
    this.#name = name;
    // Asked before each call; when the connection is gone afterwards, grpc-js picks again, and so makes a new one.
    const check = credentials.createFromMetadataGenerator((_, callback) => {
      const leave = this.#leave();
      if (leave === undefined) callback(null, new Metadata());
      else leave.then(() => callback(null, new Metadata()));
    });
    this.#credentials = more === undefined ? check : check.compose(more);
  }

  connect(socket: Parameters<SecureConnector['connect']>[0]): ReturnType<SecureConnector['connect']> {
    return new Promise((resolve, reject) => {
      this.#connector.connect({ socket, servername: this.#name, ALPNProtocols: ['h2'] }, (error, connection) => {
        if (connection === undefined) return reject(legible(error));
        this.#current = new UsedConnection(connection);
        return resolve({ socket: connection.socket, secure: true });
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

  #leave(): Promise<void> | undefined {
    const used = this.#current;
    if (used === undefined || this.#connector.isReusable(used.connection)) return undefined;
    return isRefused(used.connection) || !used.busy ? used.end() : undefined;
  }
}

/** grpc-js refs the socket of a connection for as long as it carries a call. */
class UsedConnection {
  readonly connection: Connection;
  busy = false;

  constructor(connection: Connection) {
    this.connection = connection;
    const { socket } = connection;
    const [ref, unref] = [socket.ref.bind(socket), socket.unref.bind(socket)];
    socket.ref = () => {
      this.busy = true;
      return ref();
    };
    socket.unref = () => {
      this.busy = false;
      return unref();
    };
  }

  /** Resolves when grpc-js has noticed. */
  end(): Promise<void> {
    const { socket } = this.connection;
    return new Promise((resolve) => {
      if (socket.closed) return resolve();
      socket.once('close', () => resolve()).destroy();
    });
  }
}

function isRefused({ peer }: Connection): boolean {
  try {
    peer.recheck();
    return false;
  } catch {
    return true;
  }
}

/** Of what a connection fails with, grpc-js hands on the text alone. */
function legible(error: Error | null): Error {
  if (!isSvidkitError(error)) return error ?? new Error('no connection');
  const rule = isSvidkitError(error.cause) ? `${error.code} (${error.cause.code})` : error.code;
  return new Error(`${rule}: ${error.message}`, { cause: error });
}
