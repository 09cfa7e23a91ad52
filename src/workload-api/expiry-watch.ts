import type { Clock } from '../internal/clock.js';

/** No timer is longer, in milliseconds: it would know nothing of a machine that slept, or of a clock that was set. */
const LONGEST_MS = 30_000;
/** And none is shorter, so that a clock that stands still costs little. */
const SHORTEST_MS = 1_000;

/**
 * Calls back when what a stream has delivered is of no use any more because it has expired. What has expired when it
 * comes, as from an agent that is cut off from its server, gets 30 seconds for something newer to come on the same
 * stream. The timer does not keep the process alive.
 */
export class ExpiryWatch<T extends { readonly expiresAt: Date }> implements Disposable {
  readonly #clock: Clock;
  readonly #onExpired: (identity: T) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, onExpired: (identity: T) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Something came, and this is held now: watches it instead of the one before. */
  follow(identity: T | undefined): void {
    clearTimeout(this.#timer);
    if (identity === undefined) return;
    const left = this.#leftOf(identity);
    const delay = left > 0 ? Math.max(SHORTEST_MS, Math.min(left, LONGEST_MS)) : LONGEST_MS;
    this.#timer = setTimeout(() => {
      if (this.#leftOf(identity) > 0) this.follow(identity);
      else this.#onExpired(identity);
    }, delay);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #leftOf(identity: T): number {
    return identity.expiresAt.getTime() - this.#clock();
  }
}
