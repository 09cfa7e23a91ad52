import { intervalOption } from './timers.js';

export interface BackoffOptions {
  /** Upper bound of the first delay, in milliseconds, of 24 days at most; it doubles with every further delay. */
  readonly initialMs: number;
  /** Upper bound of every delay, in milliseconds, of 24 days at most. */
  readonly maxMs: number;
  /** Gives a number from 0 up to 1. Default `Math.random`: jitter needs no secrecy. */
  readonly random?: (() => number) | undefined;
}

export interface Backoff {
  /** The delay before the next attempt, in whole milliseconds. */
  next(): number;
  /** Starts again from the first delay, after an attempt that succeeded. */
  reset(): void;
}

/**
 * Exponential backoff with full jitter: each delay is a random part of a bound that doubles, so that workloads which
 * lost the same agent do not all return in the same moment.
 *
 * @throws `TypeError` for bounds that are none, and for those beyond what a timer holds.
 */
export function backoffDelays(options: BackoffOptions): Backoff {
  const { initialMs, maxMs, random = Math.random } = options;
  intervalOption('backoff.initialMs', initialMs);
  intervalOption('backoff.maxMs', maxMs);
  let bound = Math.min(initialMs, maxMs);
  return {
    next() {
      const delay = Math.floor(random() * bound);
      bound = Math.min(bound * 2, maxMs);
      return delay;
    },
    reset() {
      bound = Math.min(initialMs, maxMs);
    },
  };
}
