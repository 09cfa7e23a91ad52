import type { WorkloadApiError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { HealthOf, ReadyOptions, SourceOf, UpdatesOptions } from '../internal/source.js';
import type { WorkloadApiClient } from './client.js';

export type { ReadyOptions, UpdatesOptions };

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

/**
 * Exponential backoff with full jitter: each delay is a random part of a bound that doubles. A bound of more than 24
 * days (2^31 - 1 ms), which timers do not hold, is a `TypeError`.
 */
export interface SourceBackoff {
  /** Upper bound of the first delay, in milliseconds. Default 200. */
  readonly initialMs?: number | undefined;
  /** Upper bound of every delay, in milliseconds. Default 10,000. */
  readonly maxMs?: number | undefined;
  /** Gives a number from 0 up to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** How a source is doing. A snapshot: read it again for news. */
export interface SourceHealth extends HealthOf<WorkloadApiError> {}

/** What every source can do besides giving what it holds. */
export interface Source<T> extends SourceOf<T, SourceHealth> {}
