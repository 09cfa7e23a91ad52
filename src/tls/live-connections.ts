import type { TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { LONGEST_TIMER_MS } from '../internal/timers.js';
import { Connection, rememberSocket } from './connection.js';
import type { TlsSide } from './events.js';
import { followUpdates } from './follow-updates.js';
import { type Identity, presentIdentity } from './identity.js';
import type { MtlsSettings } from './read-options.js';
import type { VerifiedPeer } from './verified-peer.js';

/**
 * Before it expires, a connection is drained for this part of its time, and no longer than this. Clients begin earlier: a
 * client that goes by itself loses nothing, while a server's GOAWAY may cross a request that is on its way.
 */
const DRAINING = {
  client: { part: 1 / 10, maxMs: 60_000 },
  server: { part: 1 / 20, maxMs: 30_000 },
} as const;

/** What is known of a connection while it lives. */
interface Life {
  readonly since: number;
  timer?: NodeJS.Timeout;
}

/**
 * The connections of one client or server. While there are any, the sources behind them are followed: a connection whose
 * peer is withdrawn or whose time is up is destroyed, one of an identity that was replaced is drained, as the
 * {@link ConnectionPolicy} says. Keeps neither the process nor a source alive.
 */
export class LiveConnections {
  readonly #settings: MtlsSettings;
  readonly #draining: (typeof DRAINING)[TlsSide];
  readonly #onWithdrawn: (refusal: TlsError) => void;
  readonly #lives = new Map<Connection, Life>();
  #unfollow: ReadonlyArray<() => void> = [];

  /**
   * @param side which end of the connections we are.
   * @param onWithdrawn told why a connection was destroyed.
   */
  constructor(settings: MtlsSettings, side: TlsSide, onWithdrawn: (refusal: TlsError) => void) {
    this.#settings = settings;
    this.#draining = DRAINING[side];
    this.#onWithdrawn = onWithdrawn;
  }

  /** From now on until it is closed, the connection is looked after. */
  add(socket: TLSSocket, identity: Identity | undefined, peer: VerifiedPeer | undefined): Connection {
    const connection = new Connection(socket, identity, peer);
    rememberSocket(connection);
    this.#lives.set(connection, { since: this.#settings.clock() });
    socket.once('close', () => this.#remove(connection));
    if (this.#lives.size === 1) this.#follow();
    // Our identity may have been replaced during the handshake.
    this.#retire(connection);
    return connection;
  }

  /** Whether a new connection would be like this one: our identity is the same, and the peer still admitted. */
  isReusable(connection: Connection): boolean {
    if (connection.isDraining || !this.#isOurs(connection)) return false;
    try {
      connection.recheck();
      return true;
    } catch {
      return false;
    }
  }

  #follow(): void {
    const look = (): void => {
      for (const connection of [...this.#lives.keys()]) this.#look(connection);
    };
    this.#unfollow = this.#settings.sources.map((source) => followUpdates(source, look));
  }

  #remove(connection: Connection): void {
    clearTimeout(this.#lives.get(connection)?.timer);
    this.#lives.delete(connection);
    if (this.#lives.size > 0) return;
    for (const end of this.#unfollow) end();
    this.#unfollow = [];
  }

  #look(connection: Connection): void {
    if (connection.socket.destroyed) return;
    const refusal = this.#refusalOf(connection);
    if (refusal !== undefined) {
      if (this.#settings.closeWithdrawn) this.#withdraw(connection, refusal);
      return;
    }
    this.#retire(connection);
  }

  /** Drains the connection if that is due, and looks again when the next thing is. */
  #retire(connection: Connection): void {
    const isReplaced = !this.#isOurs(connection) && (this.#settings.rotation === 'drain' || connection.isIdle);
    if (isReplaced || this.#settings.clock() >= this.#drainsAt(connection)) connection.drain();
    this.#schedule(connection);
  }

  #withdraw(connection: Connection, refusal: TlsError): void {
    connection.destroy(refusal);
    // Later, so that what a listener throws does not keep the other connections from being looked at.
    process.nextTick(this.#onWithdrawn, refusal);
  }

  #schedule(connection: Connection): void {
    const life = this.#lives.get(connection);
    if (life === undefined) return;
    const next = connection.isDraining ? connection.expiresAt : this.#drainsAt(connection);
    const at = Math.min(next, connection.peer?.until ?? next);
    const delay = Math.min(Math.max(at - this.#settings.clock(), 1), LONGEST_TIMER_MS);
    clearTimeout(life.timer);
    life.timer = setTimeout(() => this.#look(connection), delay).unref();
  }

  #drainsAt(connection: Connection): number {
    const since = this.#lives.get(connection)?.since ?? 0;
    const { expiresAt } = connection;
    const { part, maxMs } = this.#draining;
    return expiresAt - Math.min((expiresAt - since) * part, maxMs);
  }

  /** Why the connection could not be made any more. */
  #refusalOf(connection: Connection): TlsError | undefined {
    try {
      connection.recheck();
    } catch (error) {
      if (error instanceof TlsError) return error;
      throw error;
    }
    const { identity } = connection;
    if (identity === undefined || this.#settings.clock() < identity.expiresAt.getTime()) return undefined;
    return new TlsError('identity_expired', 'our certificate has expired since the handshake');
  }

  #isOurs({ identity }: Connection): boolean {
    try {
      const current = presentIdentity(this.#settings);
      return current === identity || (identity !== undefined && current?.equals(identity) === true);
    } catch {
      return false;
    }
  }
}
