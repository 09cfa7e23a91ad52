import type { Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { VerifiedX509Svid } from '../x509-svid/index.js';
import type { Identity } from './identity.js';
import type { VerifiedPeer } from './verified-peer.js';

/** What a protocol does with one of its connections. */
export interface Protocol {
  /** Whether the connection carries nothing now, so that closing it loses nothing. */
  isIdle(): boolean;
  /** Lets the connection take nothing new, and end when what it carries has ended. Called once. */
  drain(): void;
  /** Whether it has carried all that it will, so that its end is news for nobody. Default: never. */
  isDone?(): boolean;
}

/** A connection whose handshake has finished and whose peer was admitted. */
export class Connection {
  readonly socket: TLSSocket;
  /** What we presented on it. */
  readonly identity: Identity | undefined;
  /** `undefined` where svidkit does not verify the peer. */
  readonly peer: VerifiedPeer | undefined;
  #protocol: Protocol | undefined;
  #isDraining = false;

  constructor(socket: TLSSocket, identity: Identity | undefined, peer: VerifiedPeer | undefined) {
    this.socket = socket;
    this.identity = identity;
    this.peer = peer;
  }

  /** Whether it takes nothing new any more. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  get isIdle(): boolean {
    return this.#protocol?.isIdle() ?? false;
  }

  /** When the first certificate at either end expires, in milliseconds since the epoch. */
  get expiresAt(): number {
    const ends = [this.identity?.expiresAt, this.peer?.svid.expiresAt];
    return Math.min(...ends.map((end) => end?.getTime() ?? Number.POSITIVE_INFINITY));
  }

  /** Says how the connection is used from now on. */
  use(protocol: Protocol): void {
    this.#protocol = protocol;
    if (this.#isDraining) protocol.drain();
  }

  /** Has effect once. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#protocol?.drain();
  }

  /** Ends it at once, whatever it carries. Where nobody listens, the reason is no uncaught exception. */
  destroy(reason: Error): void {
    const isDone = this.#protocol?.isDone?.() ?? false;
    this.socket.on('error', () => undefined).destroy(isDone ? undefined : reason);
  }

  /** @throws `TlsError` when the peer may not go on; see {@link VerifiedPeer.recheck}. */
  recheck(): void {
    this.peer?.recheck();
  }
}

/**
 * What belongs to a connection: a socket, or what has one, such as the request in a handler or an HTTP/2 session; a
 * stream of HTTP/2; or a call of gRPC.
 */
export type Connected = Socket | Http2Stream | { readonly socket: Socket | null } | GrpcCall;

/** A call of grpc-js, in a handler or an interceptor. */
export interface GrpcCall {
  getAuthContext(): object;
}

const connections: WeakMap<object, Connection> = new WeakMap();

/** HTTP/2 shows its sockets through proxies, which pass properties on but are other keys of a map than the socket. */
const MARK = Symbol('svidkit.connection');

/**
 * The verified identity at the other end of a connection that svidkit's mutual TLS made or accepted: in a request
 * handler, `getPeer(request).id`. Never from a header, never from a certificate that was only presented.
 *
 * @throws `TypeError` when svidkit has not verified the peer of this connection.
 */
export function getPeer(connected: Connected): VerifiedX509Svid {
  const peer = findConnection(connected)?.peer;
  if (peer === undefined) throw new TypeError('svidkit has not verified the peer of this connection');
  return peer.svid;
}

/** The connection that something belongs to, `undefined` when svidkit has not admitted it. */
export function findConnection(connected: Connected): Connection | undefined {
  const { stream, session, socket } = connected as { stream?: unknown; session?: unknown; socket?: unknown };
  const context = 'getAuthContext' in connected ? connected.getAuthContext() : undefined;
  for (const candidate of [connected, stream, session, socket, context]) {
    if (typeof candidate !== 'object' || candidate === null) continue;
    const connection = connections.get(candidate) ?? connections.get(markOf(candidate));
    if (connection !== undefined) return connection;
  }
  return undefined;
}

/** Lets the connection be found by its socket. */
export function rememberSocket(connection: Connection): void {
  const mark = Object.freeze({});
  connections.set(connection.socket, connection).set(mark, connection);
  Object.defineProperty(connection.socket, MARK, { value: mark, configurable: true });
}

/** Lets the connection be found by something else that belongs to it, also when that has ended. */
export function rememberConnection(connected: object, connection: Connection): void {
  connections.set(connected, connection);
}

function markOf(candidate: object): object {
  try {
    const mark: unknown = Reflect.get(candidate, MARK);
    return typeof mark === 'object' && mark !== null ? mark : candidate;
  } catch {
    // The proxy of a session that has ended.
    return candidate;
  }
}
