import { Latest } from '../../src/internal/latest.js';
import { Side } from './mtls.js';

/** A {@link Side} whose sources tell of their updates, as those of svidkit do, and know how many follow them. */
export class FollowedSide extends Side {
  readonly #latest = new Latest(0);
  followers = 0;

  override readonly svid: Side['svid'] = { ...this.#following(), getX509Svid: () => this.#presented() };
  override readonly bundles: Side['bundles'] = {
    ...this.#following(),
    getX509Bundle: (trustDomain) => this.bundleSource.getX509Bundle(trustDomain),
  };

  /** Makes a change, and lets the sources tell of it. */
  update(change: () => void): void {
    change();
    this.#latest.set(this.#latest.current + 1);
  }

  #presented(): ReturnType<Side['svid']['getX509Svid']> {
    if (this.current instanceof Error) throw this.current;
    return this.current;
  }

  #following(): { updates(): AsyncIterable<number> } {
    return { updates: () => this.#updates() };
  }

  #updates(): AsyncIterableIterator<number> {
    const values = this.#latest.values();
    const end = values.return?.bind(values);
    this.followers += 1;
    values.return = async () => {
      this.followers -= 1;
      return (await end?.()) ?? { done: true, value: undefined };
    };
    return values;
  }
}
