/** How {@link Latest.values} ends before the value does. */
export interface LatestOptions {
  /** Ends the iteration with the reason of the abort. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A value that changes, and readers that want its newest state. Nothing is queued: a slow reader skips what was
 * replaced in the meantime.
 */
export class Latest<T> {
  #value: T;
  #version = 0;
  #ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get current(): T {
    return this.#value;
  }

  /** Replaces the value and wakes every reader. Without effect after {@link end}. */
  set(value: T): void {
    if (this.#ended) return;
    this.#value = value;
    this.#version += 1;
    this.#wake();
  }

  /** Lets every reader finish, present and future ones, without what they have not read yet. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The current value at once, then each newer one. Returning the iterator frees it even while `next()` waits. */
  values(options: LatestOptions = {}): AsyncIterableIterator<T> {
    const { signal } = options;
    let seen = -1;
    let returned = false;
    const wake = (): void => this.#wake();
    const finish = (): IteratorReturnResult<undefined> => {
      returned = true;
      signal?.removeEventListener('abort', wake);
      return { done: true, value: undefined };
    };
    signal?.addEventListener('abort', wake);
    return {
      next: async () => {
        for (;;) {
          if (returned || this.#ended) return finish();
          if (signal?.aborted) {
            finish();
            throw signal.reason;
          }
          if (seen !== this.#version) {
            seen = this.#version;
            return { done: false, value: this.#value };
          }
          await new Promise<void>((resolve) => this.#waiting.add(resolve));
        }
      },
      return: async () => {
        const result = finish();
        this.#wake();
        return result;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
