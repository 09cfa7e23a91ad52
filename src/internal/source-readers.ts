import { onAbort, openScope } from './abort.js';
import { holdProcess } from './hold-process.js';
import type { ReadyOptions, UpdatesOptions } from './source.js';

/** What the readers of a source must know of it. */
export interface ReadableSource<T> {
  /** Gives what is held, or throws why it cannot. */
  read(): T;
  /** Whether this error of `read` will never be followed by a success. */
  isFinal(error: unknown): boolean;
  /** Why nothing can change any more; `undefined` while something can. */
  over(): unknown;
  /** The error of a `ready` that has waited long enough for what `cause` says is missing. */
  notReadyWithin(timeoutMs: number | undefined, cause: unknown): Error;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Those who wait for a source to become ready, or for its next snapshot. */
export class SourceReaders<T> {
  readonly #source: ReadableSource<T>;
  readonly #waiting = new Set<() => void>();
  #version = 0;
  #ended = false;

  constructor(source: ReadableSource<T>) {
    this.#source = source;
  }

  /** Lets everybody look again: there may be a new snapshot, or a reason why there will be none. */
  wake(what: 'value' | 'state'): void {
    if (what === 'value') this.#version += 1;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Finishes every iteration, and every `ready` with what `read` throws from now on. */
  end(): void {
    this.#ended = true;
    this.wake('state');
  }

  async ready(options: ReadyOptions = {}): Promise<void> {
    const { signal, timeoutMs } = options;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number');
    const onTimeout = () => this.#source.notReadyWithin(timeoutMs, this.#whyNot());
    const scope = openScope({ signal, timeoutMs, onTimeout });
    const release = holdProcess();
    try {
      for (;;) {
        scope.signal.throwIfAborted();
        const error = this.#whyNot();
        if (error === undefined) return;
        if (this.#ended || this.#source.isFinal(error)) throw error;
        await this.#change(scope.signal);
      }
    } finally {
      release();
      scope[Symbol.dispose]();
    }
  }

  updates(options: UpdatesOptions = {}): AsyncIterable<T> {
    const { signal, onLost } = options;
    return {
      [Symbol.asyncIterator]: () => {
        let seen = -1;
        let finished = false;
        const next = async (): Promise<IteratorResult<T, undefined>> => {
          while (!finished && !this.#ended) {
            signal?.throwIfAborted();
            if (seen !== this.#version) {
              seen = this.#version;
              const error = this.#whyNot();
              if (error === undefined) return { done: false, value: this.#source.read() };
              if (this.#source.isFinal(error)) throw error;
              onLost?.();
            }
            const over = this.#source.over();
            if (over !== undefined) throw over;
            await this.#change(signal);
          }
          return DONE;
        };
        return {
          next: () =>
            next().catch((error) => {
              finished = true;
              throw error;
            }),
          return: async () => {
            finished = true;
            this.wake('state');
            return DONE;
          },
        };
      },
    };
  }

  /** What `read` throws now; `undefined` when it gives something. */
  #whyNot(): unknown {
    try {
      this.#source.read();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Waits until something has changed, or for the abort. */
  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        release();
        resolve();
      };
      const release = onAbort(signal, (reason) => {
        this.#waiting.delete(wake);
        reject(reason);
      });
      if (!signal?.aborted) this.#waiting.add(wake);
    });
  }
}
