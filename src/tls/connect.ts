import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { onAbort } from '../internal/abort.js';
import { limitTimer } from '../internal/timers.js';
import type { Connection } from './connection.js';
import { publishAccept, publishRefuse } from './events.js';
import { type Identity, presentIdentity } from './identity.js';
import { LiveConnections } from './live-connections.js';
import type { MtlsClientSettings } from './read-options.js';
import { clientContexts, type TlsTuning } from './tls-context.js';
import type { VerifiedPeer } from './verified-peer.js';
import { verifyPeer } from './verify-peer.js';

export type ConnectCallback = (error: Error | null, connection?: Connection) => void;

/** Makes verified connections, looks after them, and says whether one that was kept may be used again. */
export class Connector {
  readonly settings: MtlsClientSettings;
  readonly #contextOf: (identity: Identity | undefined) => SecureContext;
  readonly #live: LiveConnections;

  constructor(settings: MtlsClientSettings, tuning: TlsTuning) {
    this.settings = settings;
    this.#contextOf = clientContexts(tuning, settings.webPki);
    this.#live = new LiveConnections(settings, 'client', (refusal) => publishRefuse('client', refusal));
  }

  /**
   * Connects with the identity of this moment and calls back once: with a connection whose server is verified, or with
   * the error, when the socket is already destroyed. Nobody sees the socket before that, except as the return value,
   * which is good for destroying it.
   */
  connect(options: ConnectionOptions, callback: ConnectCallback): TLSSocket | undefined {
    let identity: Identity | undefined;
    let context: SecureContext;
    try {
      identity = presentIdentity(this.settings);
      context = this.#contextOf(identity);
    } catch (error) {
      publishRefuse('client', error);
      process.nextTick(callback, error);
      return undefined;
    }
    const name = options.servername || options.host || 'localhost';
    const socket = connect({
      ...options,
      secureContext: context,
      servername: isIP(name) === 0 ? name : '',
      session: undefined,
      pskCallback: undefined,
      ...this.#verdict(name),
    });
    awaitHandshake(socket, this.settings.handshakeTimeoutMs, (failure) => {
      if (failure !== undefined) {
        publishRefuse('client', failure);
        return callback(failure);
      }
      let peer: VerifiedPeer | undefined;
      try {
        peer = this.#verify(socket, name);
      } catch (error) {
        socket.on('error', ignore).destroy();
        publishRefuse('client', error);
        return callback(error instanceof Error ? error : new Error('the server was refused', { cause: error }));
      }
      if (peer !== undefined) publishAccept('client', peer.svid);
      return callback(null, this.#live.add(socket, identity, peer));
    });
    return socket;
  }

  /**
   * As {@link connect}, and gives up when the signal aborts, with its reason. A connection that is made by then is not
   * touched.
   */
  async open(options: ConnectionOptions, signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const socket = this.connect(options, (error, connection) => {
        release();
        if (connection === undefined) reject(error);
        else resolve(connection);
      });
      const release = onAbort(signal, (reason) => {
        reject(reason);
        socket?.destroy();
      });
    });
  }

  /** Whether a kept connection still speaks for us and to somebody we would connect to now. */
  isReusable(connection: Connection): boolean {
    return this.#live.isReusable(connection);
  }

  /** Node is asked for its verdict where the server is one of the web; otherwise #verify() decides, after Node. */
  #verdict(name: string): ConnectionOptions {
    return this.settings.webPki === undefined
      ? { checkServerIdentity: () => undefined, rejectUnauthorized: false }
      : { checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate), rejectUnauthorized: true };
  }

  #verify(socket: TLSSocket, name: string): VerifiedPeer | undefined {
    const { peers, verifyHostname } = this.settings;
    return peers && verifyPeer(socket, peers, 'server', verifyHostname ? name : undefined);
  }
}

/** Calls back once, when the handshake has finished or failed; on failure the socket is destroyed. */
function awaitHandshake(socket: TLSSocket, timeoutMs: number, callback: (failure?: Error) => void): void {
  const timer = limitTimer(timeoutMs, () => {
    failed(new TlsError('handshake_timeout', `the handshake did not finish within ${timeoutMs} ms`));
  });
  const settle = (): void => {
    clearTimeout(timer);
    socket.off('secureConnect', secured).off('error', failed).off('close', closed);
  };
  const secured = (): void => {
    settle();
    callback();
  };
  const failed = (error: Error): void => {
    settle();
    socket.on('error', ignore).destroy();
    callback(socket.authorizationError ? refusedByNode(error) : error);
  };
  const closed = (): void => failed(new TlsError('connection_closed', 'the connection closed during the handshake'));
  socket.on('secureConnect', secured).on('error', failed).on('close', closed);
}

/** Only for servers of the web, of which Node is the judge. */
function refusedByNode(cause: Error): TlsError {
  return new TlsError('peer_refused', `the server's certificate is refused: ${cause.message}`, { cause });
}

function ignore(): void {}
