import type { WorkloadApiError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { WorkloadApiClient } from './client.js';

/** Options that every source has. */
export interface SourceOptions {
  /** A client to share, with its address and message limit. It is not closed with the source. */
  readonly client?: WorkloadApiClient | undefined;
  /**
   * `unix:///path` or `tcp://IP:port`, for a client of the source's own. Default: the environment variable
   * `SPIFFE_ENDPOINT_SOCKET`. Giving `client` too is a `TypeError`.
   */
  readonly address?: string | undefined;
  /** How long to wait between attempts to reach the endpoint. */
  readonly backoff?: SourceBackoff | undefined;
  /**
   * How long a stream may wait for its first message, in milliseconds, before the attempt counts as failed. Default
   * 10,000. An agent that hangs accepts connections and then says nothing.
   */
  readonly firstMessageTimeoutMs?: number | undefined;
  /** Whether the open source keeps the process alive. Default false: a process with nothing else to do ends. */
  readonly keepProcessAlive?: boolean | undefined;
  /** The time, by which identities expire. Default the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Told of every failed attempt, refused message and withdrawal, as it happens. What it throws is ignored. Default:
   * nobody is told, but `health.lastError` has the newest one.
   */
  readonly onError?: ((error: WorkloadApiError) => void) | undefined;
}

/** Exponential backoff with full jitter: each delay is a random part of a bound that doubles. */
export interface SourceBackoff {
  /** Upper bound of the first delay, in milliseconds. Default 200. */
  readonly initialMs?: number | undefined;
  /** Upper bound of every delay, in milliseconds. Default 10,000. */
  readonly maxMs?: number | undefined;
  /** Gives a number from 0 up to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface ReadyOptions {
  /** Ends the waiting with the reason of the abort. The source goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time to wait, in milliseconds; then `timeout`, with the last failure as `cause`. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

export interface UpdatesOptions {
  /** Ends the iteration with the reason of the abort. The source goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** How a source is doing. A snapshot: read it again for news. */
export interface SourceHealth {
  /** Whether every stream of the source is open and has delivered. */
  readonly connected: boolean;
  /** The newest failure since the last delivery that had none. */
  readonly lastError: WorkloadApiError | undefined;
  /** When what the source presents expires; `undefined` when it presents nothing, or nothing that expires. */
  readonly expiresAt: Date | undefined;
}

/** What every source can do besides giving what it holds. */
export interface Source<T> extends AsyncDisposable {
  /**
   * What is held now, as one consistent snapshot.
   *
   * @throws `WorkloadApiError` `not_ready`, `withdrawn`, `expired`, `no_identity`, `closed`, or why the endpoint is not
   * asked any more: `unimplemented`, `invalid_argument`.
   */
  readonly current: T;
  readonly health: SourceHealth;
  /**
   * Resolves as soon as {@link current} can be read.
   *
   * @throws `WorkloadApiError` `timeout`, `closed`, `unimplemented` or `invalid_argument`; or the reason of an abort.
   */
  ready(options?: ReadyOptions): Promise<void>;
  /**
   * The current snapshot, then each newer one that means something else. A slow reader skips what was replaced in the
   * meantime. `break` frees the iterator, closing the source ends it, and it throws when the endpoint is not asked any
   * more. Waiting for an update does not keep the process alive; `keepProcessAlive` does.
   */
  updates(options?: UpdatesOptions): AsyncIterable<T>;
  /** Ends every stream and timer; whoever waits gets `closed`. May be called again. */
  close(): Promise<void>;
}
