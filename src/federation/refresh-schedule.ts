import type { SpiffeBundle } from '../bundle/index.js';
import { type Backoff, backoffDelays } from '../internal/backoff.js';
import { LONGEST_TIMER_MS } from '../internal/timers.js';

/**
 * How often a source looks for a newer bundle. The bundle's refresh hint decides, within these bounds. A bound of more
 * than 24 days (2^31 - 1 ms), which timers do not hold, is a `TypeError`.
 */
export interface RefreshBounds {
  /** Shortest interval in milliseconds, also where the hint is 0. Default 30,000. */
  readonly minMs?: number | undefined;
  /** Longest interval in milliseconds, also where the hint is a month. Default 3,600,000, an hour. */
  readonly maxMs?: number | undefined;
  /** The interval where the bundle has no hint, in milliseconds. Default 300,000, five minutes. */
  readonly defaultMs?: number | undefined;
}

/**
 * How long to wait after a failure while no bundle was fetched so far: a random part of a bound that doubles, of 24 days
 * at most as those of the refresh.
 */
export interface FirstFetchBackoff {
  /** Upper bound of the first delay, in milliseconds. Default 1,000. */
  readonly initialMs?: number | undefined;
  /** Upper bound of every delay, in milliseconds. Default 60,000. */
  readonly maxMs?: number | undefined;
  /** Gives a number from 0 up to 1, for these delays and for the refresh. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** When to fetch next. */
export interface RefreshSchedule {
  /** Milliseconds until the next fetch, after one that succeeded or failed. `held` is the newest bundle there is. */
  delayMs(held: SpiffeBundle | undefined): number;
}

/**
 * Once a bundle is held, every wait is an interval of its own, after a failure too: asking sooner would overwhelm an
 * endpoint in trouble, and keys are published several intervals before they are used (SPIFFE_Federation sections 4.1
 * and 6.2). Up to a tenth is taken off at random, so that consumers which began together do not go on together.
 *
 * @throws `TypeError` for bounds that are none.
 */
export function refreshSchedule(bounds: RefreshBounds = {}, first: FirstFetchBackoff = {}): RefreshSchedule {
  const { minMs = 30_000, maxMs = 3_600_000, defaultMs = 300_000 } = bounds;
  const { initialMs = 1_000, maxMs: maxBackoffMs = 60_000, random = Math.random } = first;
  if (!(minMs > 0 && minMs <= maxMs && maxMs <= LONGEST_TIMER_MS)) {
    throw new TypeError(`refresh needs 0 < minMs <= maxMs <= ${LONGEST_TIMER_MS}`);
  }
  if (!(defaultMs > 0)) throw new TypeError('refresh.defaultMs must be a positive number of milliseconds');
  const backoff: Backoff = backoffDelays({ initialMs, maxMs: maxBackoffMs, random });
  return {
    delayMs(held) {
      if (held === undefined) return backoff.next();
      const hint = held.refreshHintSeconds;
      const wanted = hint === undefined ? defaultMs : hint * 1000;
      const interval = Math.min(Math.max(wanted, minMs), maxMs);
      return Math.max(minMs, Math.ceil(interval * (1 - random() / 10)));
    },
  };
}
