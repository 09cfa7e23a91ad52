import { isIP } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import type { X509Svid } from '../x509-svid/index.js';
import { publishAccept, publishRefuse } from './events.js';
import type { MtlsClientSettings } from './mtls-options.js';
import { contextOptions, presentableSvid, type TlsTuning } from './presentable-svid.js';
import type { VerifiedPeer } from './verified-peer.js';
import { verifyPeer } from './verify-peer.js';

/** A connection to a verified server, and which of our SVIDs it was made with. */
export interface Connection {
  readonly socket: TLSSocket;
  readonly svid: X509Svid;
  readonly peer: VerifiedPeer;
}

export type ConnectCallback = (error: Error | null, connection?: Connection) => void;

/** Makes verified connections and says whether one that was kept may be used again. */
export class Connector {
  readonly settings: MtlsClientSettings;
  readonly #tuning: TlsTuning;
  #presented: { readonly svid: X509Svid; readonly context: SecureContext } | undefined;

  constructor(settings: MtlsClientSettings, tuning: TlsTuning) {
    this.settings = settings;
    this.#tuning = tuning;
  }

  /**
   * Connects with the SVID of this moment and calls back once: with a connection whose server is verified, or with the
   * error, when the socket is already destroyed. Nobody sees the socket before that, except as the return value, which
   * is good for destroying it.
   */
  connect(options: ConnectionOptions, callback: ConnectCallback): TLSSocket | undefined {
    let svid: X509Svid;
    let context: SecureContext;
    try {
      svid = presentableSvid(this.settings);
      context = this.#contextOf(svid);
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
      checkServerIdentity: () => undefined,
      // Node's verdict is not asked for: verifyPeer() decides, on resumed sessions too.
      rejectUnauthorized: false,
    });
    awaitHandshake(socket, this.settings.handshakeTimeoutMs, (failure) => {
      if (failure !== undefined) {
        publishRefuse('client', failure);
        return callback(failure);
      }
      let peer: VerifiedPeer;
      try {
        peer = verifyPeer(socket, this.settings, 'server', this.settings.verifyHostname ? name : undefined);
      } catch (error) {
        socket.on('error', ignore).destroy();
        publishRefuse('client', error);
        return callback(error instanceof Error ? error : new Error('the server was refused', { cause: error }));
      }
      publishAccept('client', peer.svid);
      return callback(null, { socket, svid, peer });
    });
    return socket;
  }

  /** Whether a kept connection still speaks for us and to somebody we would connect to now. */
  isReusable({ svid, peer }: Connection): boolean {
    try {
      const current = presentableSvid(this.settings);
      if (current !== svid && !current.equals(svid)) return false;
      peer.recheck();
      return true;
    } catch {
      return false;
    }
  }

  #contextOf(svid: X509Svid): SecureContext {
    if (this.#presented?.svid !== svid) {
      this.#presented = { svid, context: createSecureContext(contextOptions(svid, this.#tuning)) };
    }
    return this.#presented.context;
  }
}

/** Calls back once, when the handshake has finished or failed; on failure the socket is destroyed. */
function awaitHandshake(socket: TLSSocket, timeoutMs: number, callback: (failure?: Error) => void): void {
  const timer = setTimeout(() => {
    failed(new TlsError('handshake_timeout', `the handshake did not finish within ${timeoutMs} ms`));
  }, timeoutMs);
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
    callback(error);
  };
  const closed = (): void => failed(new TlsError('connection_closed', 'the connection closed during the handshake'));
  socket.on('secureConnect', secured).on('error', failed).on('close', closed);
}

function ignore(): void {}
