import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Server, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import type { X509Svid } from '../x509-svid/index.js';
import { publishAccept, publishRefuse } from './events.js';
import { type MtlsOptions, type MtlsSettings, readMtlsOptions } from './mtls-options.js';
import { contextOptions, presentableSvid, readTuning, type TlsTuning } from './presentable-svid.js';
import { findPeer, verifyPeer } from './verify-peer.js';

/** {@link MtlsOptions} of the side that accepts. */
export interface MtlsServerOptions extends MtlsOptions {
  /**
   * Told of every connection and every request that is refused, after it was. For a refused connection the server also
   * emits `tlsClientError` with the same error. What this throws is not caught.
   */
  readonly onRefused?: ((error: TlsError) => void) | undefined;
}

/**
 * An https server that presents the current X.509-SVID and admits only clients whose SVID it has verified and the
 * authorizer admits. Verification is done on the certificates presented, before the http layer sees the connection, so
 * no byte of a refused client's requests is parsed; the connection is destroyed. The SVID is read anew for every
 * connection; without one the connection is refused and the server lives on.
 *
 * Before each request on a kept connection the client is checked again: expired certificates and a bundle that no longer
 * verifies them are answered with 421 (the client may try again on a new connection, RFC 9110 section 15.5.20), an
 * authorizer that has changed its mind with 403; either way the connection ends. A connection that was upgraded is not
 * looked at again.
 *
 * Who called is `getPeer(request)`. Sessions are not resumed, TLS is 1.2 or later.
 *
 * @param handler a request listener: a function, or a framework's application.
 * @param serverOptions Node's own; those that svidkit decides (`key`, `cert`, `ca`, `requestCert`, `SNICallback` and the
 * like) are a `TypeError`.
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createHttpsServer(
  options: MtlsServerOptions,
  handler?: RequestListener,
  serverOptions: ServerOptions = {},
): Server {
  const settings = readMtlsOptions(options);
  const { onRefused } = options;
  if (onRefused !== undefined && typeof onRefused !== 'function') throw new TypeError('onRefused must be a function');
  return new MtlsServer(settings, onRefused, readTuning(serverOptions), serverOptions, handler);
}

class MtlsServer extends Server {
  readonly #settings: MtlsSettings;
  readonly #onRefused: ((error: TlsError) => void) | undefined;
  readonly #tuning: TlsTuning;
  #presented: X509Svid | undefined;

  constructor(
    settings: MtlsSettings,
    onRefused: ((error: TlsError) => void) | undefined,
    tuning: TlsTuning,
    options: ServerOptions,
    handler: RequestListener | undefined,
  ) {
    super({ ...options, ...contextOptions(undefined, tuning), requestCert: true, rejectUnauthorized: false }, handler);
    this.#settings = settings;
    this.#onRefused = onRefused;
    this.#tuning = tuning;
  }

  /**
   * Stands before every listener, whenever and wherever it was added: the one place that each connection and each
   * request passes. Node has no server-side hook that could refuse a peer.
   */
  override emit(event: string, ...args: unknown[]): boolean {
    const [first, second] = args;
    switch (event) {
      case 'connection':
        return this.#present(first as Socket) && super.emit(event, ...args);
      case 'secureConnection':
        return this.#admit(first as TLSSocket) && super.emit(event, ...args);
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return this.#admitRequest(first as IncomingMessage, second as ServerResponse) && super.emit(event, ...args);
      case 'upgrade':
      case 'connect':
        return this.#admitUpgrade(first as IncomingMessage) && super.emit(event, ...args);
      default:
        return super.emit(event, ...args);
    }
  }

  #present(socket: Socket): boolean {
    try {
      const svid = presentableSvid(this.#settings);
      if (svid !== this.#presented) {
        this.setSecureContext(contextOptions(svid, this.#tuning));
        // The context has its copy; Node would keep the PEM of the key as a property of the server.
        Reflect.set(this, 'key', undefined);
        this.#presented = svid;
      }
      return true;
    } catch (error) {
      this.#refuse(socket, asTlsError(error));
      return false;
    }
  }

  #admit(socket: TLSSocket): boolean {
    try {
      publishAccept('server', verifyPeer(socket, this.#settings, 'client').svid);
      return true;
    } catch (error) {
      this.#refuse(socket, asTlsError(error));
      return false;
    }
  }

  #admitRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const refusal = this.#recheck(request);
    if (refusal === undefined) return true;
    response.writeHead(refusal.code === 'not_authorized' ? 403 : 421, { Connection: 'close', 'Content-Length': 0 });
    response.end();
    this.#tell(refusal);
    return false;
  }

  #admitUpgrade(request: IncomingMessage): boolean {
    const refusal = this.#recheck(request);
    if (refusal === undefined) return true;
    request.socket.destroy();
    this.#tell(refusal);
    return false;
  }

  #recheck(request: IncomingMessage): TlsError | undefined {
    const peer = findPeer(request);
    if (peer === undefined) return new TlsError('no_certificate', 'the connection was never verified');
    try {
      peer.recheck();
      return undefined;
    } catch (error) {
      return asTlsError(error);
    }
  }

  #refuse(socket: Socket, error: TlsError): void {
    socket.on('error', () => undefined).destroy();
    this.emit('tlsClientError', error, socket);
    this.#tell(error);
  }

  #tell(error: TlsError): void {
    publishRefuse('server', error);
    this.#onRefused?.(error);
  }
}

function asTlsError(error: unknown): TlsError {
  return error instanceof TlsError
    ? error
    : new TlsError('no_identity', 'the X.509-SVID cannot be presented', { cause: error });
}
