import type { ClientHttp2Session, SecureClientSessionOptions } from 'node:http2';
import { TlsError } from '../errors/index.js';
import { abortable } from '../internal/abort.js';
import { isRefusedUnseen } from '../internal/refused-stream.js';
import { type Http2Connection, Http2Connector, hasEnded, readAuthority } from './http2-connect.js';
import { KeptSession } from './http2-kept-session.js';
import type { MtlsClientOptions } from './mtls-options.js';

/** Node's own options of a session, as for `connectHttp2` but for `socket`, and those of the pool. */
export interface Http2SessionPoolOptions extends SecureClientSessionOptions {
  /**
   * How long a session may be without a request before it is closed, in milliseconds. Default 60,000. More than 24 days,
   * which timers do not hold, is no limit.
   */
  readonly idleTimeoutMs?: number | undefined;
}

export interface PooledSessionOptions {
  /** Ends the waiting for a session. */
  readonly signal?: AbortSignal | undefined;
}

/** Sessions that are kept, by the origin of their servers. */
export interface Http2SessionPool extends AsyncDisposable {
  /**
   * A session to which a new request may be given at once. Not one to keep: ask again for each request. Concurrent
   * callers share sessions, also the one that is being opened.
   *
   * Rejected as `connectHttp2` is; also with the signal's reason, which ends the waiting of this caller and, when
   * nobody else waits, the connecting. A `TypeError` when the pool is closed.
   *
   * @param authority an https: URL, of which host and port are used.
   */
  session(authority: string | URL, options?: PooledSessionOptions): Promise<ClientHttp2Session>;
  /**
   * Makes one request by `use`, on a session as `session()` gives it. A server that leaves its connections refuses the
   * streams that are on their way at that moment, without having looked at them (RFC 9113 section 8.7): then `use` is
   * called again with another session, three times altogether, and has to send the same request.
   *
   * Rejected as `session()` is, and with what `use` rejects with.
   */
  withSession<T>(
    authority: string | URL,
    use: (session: ClientHttp2Session) => Promise<T>,
    options?: PooledSessionOptions,
  ): Promise<T>;
  /** Takes no more callers; fulfilled when the requests under way have ended and all sessions are closed. Idempotent. */
  close(): Promise<void>;
  /** Ends every session at once, with the requests under way. Idempotent. */
  destroy(): void;
}

/**
 * Keeps verified HTTP/2 sessions, opened as `connectHttp2` does, and always hands out one that a new request may use:
 * it is open and its server has announced no end, our SVID is the one that it was made with, and the server's
 * certificates, the bundle and the authorizer still admit it. Otherwise it is replaced; the old session serves the
 * requests that it has, and closes. One session serves an origin, and more only while the streams that the server allows
 * at a time (RFC 9113 section 5.1.2) are all taken.
 *
 * A session without requests keeps no process alive.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createHttp2SessionPool(
  options: MtlsClientOptions,
  { idleTimeoutMs = 60_000, ...sessionOptions }: Http2SessionPoolOptions = {},
): Http2SessionPool {
  if (sessionOptions.socket !== undefined) throw new TypeError('a pool opens its own sockets; leave socket out');
  if (!(idleTimeoutMs > 0)) throw new TypeError('idleTimeoutMs must be a number of milliseconds above 0');
  return new SessionPool(new Http2Connector(options, sessionOptions), idleTimeoutMs);
}

/** How many sessions a caller is given one after the other, where each ends as soon as it is open or refuses the request. */
const MAX_ATTEMPTS = 3;

/** What serves one origin: the sessions there are, and the one being opened. */
interface Origin {
  readonly url: URL;
  readonly kept: Set<KeptSession>;
  opening: Opening | undefined;
}

interface Opening {
  readonly fresh: Promise<KeptSession>;
  readonly abort: AbortController;
  waiting: number;
}

class SessionPool implements Http2SessionPool {
  readonly #connector: Http2Connector;
  readonly #idleTimeoutMs: number;
  readonly #origins: Map<string, Origin> = new Map();
  /** Every session that has not ended yet, also those that are no longer handed out. */
  readonly #sessions: Set<ClientHttp2Session> = new Set();
  #closed = false;

  constructor(connector: Http2Connector, idleTimeoutMs: number) {
    this.#connector = connector;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  async session(authority: string | URL, { signal }: PooledSessionOptions = {}): Promise<ClientHttp2Session> {
    const url = readAuthority(authority);
    for (let attempts = 1; ; ) {
      if (this.#closed) throw closedPool();
      signal?.throwIfAborted();
      const origin = this.#originOf(url);
      const kept = this.#takeKept(origin);
      if (kept !== undefined) return kept.session;
      const fresh = await this.#waitForFresh(origin, signal);
      if (hasEnded(fresh.session)) {
        // Its server may have ended it at once, or our SVID was replaced while it was being opened.
        if (attempts === MAX_ATTEMPTS) throw new TlsError('connection_closed', 'every session ended as it was opened');
        attempts += 1;
      } else if (fresh.take()) return fresh.session;
      // Otherwise others who waited have taken all of its streams, and it is one more turn.
    }
  }

  async withSession<T>(
    authority: string | URL,
    use: (session: ClientHttp2Session) => Promise<T>,
    options?: PooledSessionOptions,
  ): Promise<T> {
    for (let attempts = 1; ; attempts += 1) {
      const session = await this.session(authority, options);
      try {
        return await use(session);
      } catch (error) {
        if (attempts === MAX_ATTEMPTS || !isRefusedUnseen(error)) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#stop();
    const closing = [...this.#sessions].map((session) => {
      const closed = new Promise<void>((resolve) => session.once('close', resolve));
      session.close();
      return closed;
    });
    await Promise.all(closing);
  }

  destroy(): void {
    this.#stop();
    for (const session of this.#sessions) session.destroy(closedPool());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #originOf(url: URL): Origin {
    const known = this.#origins.get(url.origin);
    if (known !== undefined) return known;
    const origin: Origin = { url, kept: new Set(), opening: undefined };
    this.#origins.set(url.origin, origin);
    return origin;
  }

  #takeKept(origin: Origin): KeptSession | undefined {
    for (const kept of origin.kept) {
      if (!this.#connector.isReusable(kept.opened)) {
        origin.kept.delete(kept);
        kept.retire();
      } else if (kept.take()) return kept;
    }
    return undefined;
  }

  async #waitForFresh(origin: Origin, signal: AbortSignal | undefined): Promise<KeptSession> {
    origin.opening ??= this.#openFor(origin);
    const { opening } = origin;
    opening.waiting += 1;
    try {
      return await abortable(opening.fresh, signal);
    } finally {
      opening.waiting -= 1;
      if (opening.waiting === 0 && origin.opening === opening) this.#endOpening(origin, signal?.reason);
    }
  }

  #openFor(origin: Origin): Opening {
    const abort = new AbortController();
    const opened = this.#connector.open(origin.url, abort.signal);
    const fresh = opened.then(
      (made) => {
        const kept = this.#keep(made, origin);
        if (origin.opening === opening) origin.opening = undefined;
        return kept;
      },
      (error: unknown) => {
        if (origin.opening === opening) this.#endOpening(origin, error);
        throw error;
      },
    );
    const opening: Opening = { fresh, abort, waiting: 0 };
    return opening;
  }

  #keep(opened: Http2Connection, origin: Origin): KeptSession {
    const { session } = opened;
    const kept = new KeptSession(opened, this.#idleTimeoutMs);
    origin.kept.add(kept);
    this.#sessions.add(session);
    session.once('close', () => {
      origin.kept.delete(kept);
      this.#sessions.delete(session);
      this.#forgetIfEmpty(origin);
    });
    return kept;
  }

  #endOpening(origin: Origin, reason: unknown): void {
    const { opening } = origin;
    origin.opening = undefined;
    opening?.abort.abort(reason);
    this.#forgetIfEmpty(origin);
  }

  #forgetIfEmpty(origin: Origin): void {
    const { url, kept, opening } = origin;
    if (kept.size === 0 && opening === undefined && this.#origins.get(url.origin) === origin) {
      this.#origins.delete(url.origin);
    }
  }

  #stop(): void {
    this.#closed = true;
    for (const origin of this.#origins.values()) {
      if (origin.opening !== undefined) this.#endOpening(origin, closedPool());
    }
  }
}

function closedPool(): TypeError {
  return new TypeError('this pool is closed');
}
