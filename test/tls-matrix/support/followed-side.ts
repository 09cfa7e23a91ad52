import type { X509Bundle, X509BundleSource } from 'svidkit/bundle';
import type { TrustDomain } from 'svidkit/id';
import { Side, theirBundle } from '../../support/mtls.js';
import { sourceOf } from '../../support/x509.js';

/** A side whose bundles tell of their updates, as those of svidkit's sources do. */
export class FollowedSide extends Side {
  readonly #waiting = new Set<() => void>();

  override readonly bundles: X509BundleSource & { updates(): AsyncIterable<unknown> } = {
    getX509Bundle: (trustDomain: TrustDomain): X509Bundle | undefined => this.bundleSource.getX509Bundle(trustDomain),
    updates: () => this.#updates(),
  };

  /** From now on there is no bundle of example.org. */
  withdraw(): void {
    this.bundleSource = sourceOf(theirBundle);
    for (const wake of this.#waiting) wake();
  }

  #updates(): AsyncIterable<unknown> {
    const waiting = this.#waiting;
    let wake: (() => void) | undefined;
    const next = (): Promise<IteratorResult<unknown>> =>
      new Promise((resolve) => {
        wake = () => {
          if (wake !== undefined) waiting.delete(wake);
          resolve({ done: false, value: undefined });
        };
        waiting.add(wake);
      });
    return {
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          if (wake !== undefined) waiting.delete(wake);
          return { done: true, value: undefined };
        },
      }),
    };
  }
}
