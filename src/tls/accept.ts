import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { tell } from '../internal/tell.js';
import { type Connected, findConnection } from './connection.js';
import { publishAccept, publishRefuse } from './events.js';
import { type Identity, presentIdentity } from './identity.js';
import { LiveConnections } from './live-connections.js';
import type { MtlsServerSettings } from './read-options.js';
import { contextOptions, type TlsTuning } from './tls-context.js';
import { verifyPeer } from './verify-peer.js';

/** Whether an event that is about to be emitted may reach the listeners, by the name of the event. */
export type Gates = Readonly<Record<string, ((...args: never[]) => boolean) | undefined>>;

/** Puts gates before every listener of an emitter. An event that a gate holds back is not emitted. */
export function guardEvents<E extends EventEmitter>(emitter: E, gates: Gates): E {
  const emit = emitter.emit.bind(emitter) as (event: string, ...args: unknown[]) => boolean;
  const guarded = (event: string, ...args: unknown[]): boolean => {
    const gate = Object.hasOwn(gates, event) ? gates[event] : undefined;
    return (gate === undefined || gate(...(args as never[]))) && emit(event, ...args);
  };
  return Object.defineProperty(emitter, 'emit', { value: guarded, configurable: true, writable: true });
}

/** By then handshakes have ended: Node gives them two minutes unless it is told otherwise. */
const HANDSHAKES_MS = 120_000;

/** Admits the peers of one server, whatever protocol the server speaks, and looks after their connections. */
export class Acceptor {
  readonly #settings: MtlsServerSettings;
  readonly #tuning: TlsTuning;
  readonly #live: LiveConnections;
  /** What handshakes that began last have presented, and what those before it have. */
  #presented: Identity | undefined;
  #previous: { readonly identity: Identity; readonly until: number } | undefined;

  constructor(settings: MtlsServerSettings, tuning: TlsTuning) {
    this.#settings = settings;
    this.#tuning = tuning;
    this.#live = new LiveConnections(settings, 'server', (refusal) => this.#tell(refusal));
  }

  /** What the server must be created with, after the options of the caller. */
  get tlsOptions(): TlsOptions {
    const requestCert = this.#settings.peers !== undefined;
    return { ...contextOptions(undefined, this.#tuning), requestCert, rejectUnauthorized: false };
  }

  /**
   * Stands before every listener of the server, whenever and wherever it was added: `emit` is the one place that each
   * connection and each request passes. Node has no server-side hook that could refuse a peer.
   *
   * @param gates further events to decide about, such as the requests of the server's protocol.
   */
  guard<S extends Server>(server: S, gates: Gates = {}): S {
    return guardEvents(server, {
      ...gates,
      connection: (socket: Socket) => this.#present(server, socket),
      secureConnection: (socket: TLSSocket) => this.#admit(server, socket),
    });
  }

  /** Why the peer of a kept connection may not go on; whoever is interested has been told. `undefined` when it may. */
  recheck(connected: Connected): TlsError | undefined {
    const refusal = refusalOf(connected);
    if (refusal !== undefined) this.#tell(refusal);
    return refusal;
  }

  #present(server: Server, socket: Socket): boolean {
    try {
      const identity = presentIdentity(this.#settings);
      if (identity !== this.#presented) {
        server.setSecureContext(contextOptions(identity, this.#tuning));
        // The context has its copy; Node would keep the PEM of the key as a property of the server.
        Reflect.set(server, 'key', undefined);
        const until = performance.now() + HANDSHAKES_MS;
        this.#previous = this.#presented && { identity: this.#presented, until };
        this.#presented = identity;
      }
      return true;
    } catch (error) {
      this.#refuse(server, socket, asTlsError(error));
      return false;
    }
  }

  #admit(server: Server, socket: TLSSocket): boolean {
    try {
      const { peers } = this.#settings;
      const peer = peers && verifyPeer(socket, peers, 'client');
      this.#live.add(socket, this.#presentedOn(socket), peer);
      if (peer !== undefined) publishAccept('server', peer.svid);
      return true;
    } catch (error) {
      this.#refuse(server, socket, asTlsError(error));
      return false;
    }
  }

  /** The identity may have been replaced while the handshake went on. */
  #presentedOn(socket: TLSSocket): Identity | undefined {
    if (this.#previous === undefined || performance.now() > this.#previous.until) {
      this.#previous = undefined;
      return this.#presented;
    }
    const { identity } = this.#previous;
    const own = socket.getX509Certificate()?.toString();
    const isPrevious = own !== undefined && identity.certificatesPem().replaceAll('\r', '').startsWith(own);
    return isPrevious ? identity : this.#presented;
  }

  #refuse(server: Server, socket: Socket, error: TlsError): void {
    socket.on('error', () => undefined).destroy();
    server.emit('tlsClientError', error, socket as TLSSocket);
    this.#tell(error);
  }

  #tell(error: TlsError): void {
    publishRefuse('server', error);
    tell(this.#settings.onRefused, error);
  }
}

function refusalOf(connected: Connected): TlsError | undefined {
  const connection = findConnection(connected);
  if (connection === undefined) return new TlsError('no_certificate', 'the connection was never verified');
  try {
    connection.recheck();
    return undefined;
  } catch (error) {
    return asTlsError(error);
  }
}

function asTlsError(error: unknown): TlsError {
  return error instanceof TlsError
    ? error
    : new TlsError('no_identity', 'our certificate cannot be presented', { cause: error });
}
