import { resolve } from 'node:path';
import { FileSourceError } from '../errors/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { holdProcess } from '../internal/hold-process.js';
import { SourceReaders } from '../internal/source-readers.js';
import { tell } from '../internal/tell.js';
import { delayOption, intervalOption } from '../internal/timers.js';
import { type FileFeed, FileWatch } from './file-watch.js';
import type { FileSourceHealth, FileSourceOptions, ReadyOptions, Source, UpdatesOptions } from './options.js';

/** What all sources of this room have in common: files that are watched, and those who wait for news. */
export abstract class FileSource<T> implements Source<T> {
  readonly #watch: FileWatch<T>;
  readonly #feed: FileFeed<T>;
  readonly #clock: Clock;
  readonly #readers: SourceReaders<T>;
  readonly #release: () => void;
  #closed = false;

  /** @internal */
  protected constructor(feed: FileFeed<T>, options: FileSourceOptions) {
    const { onError, clock = systemClock } = options;
    const times = {
      pollMs: intervalOption('pollMs', options.pollMs ?? 5_000),
      settleMs: delayOption('settleMs', options.settleMs ?? 1_000),
      quietMs: delayOption('quietMs', options.quietMs ?? 50),
      maxFileBytes: positive('maxFileBytes', options.maxFileBytes ?? 1_048_576),
    };
    if (feed.paths.length === 0) throw new TypeError('there is no file to read');
    this.#feed = feed;
    this.#clock = clock;
    this.#readers = new SourceReaders({
      read: () => this.current,
      isFinal: () => this.#closed,
      over: () => undefined,
      notReadyWithin,
    });
    this.#release = options.keepProcessAlive ? holdProcess() : () => {};
    this.#watch = new FileWatch(feed, {
      ...times,
      clock,
      onChange: () => this.#readers.wake('value'),
      onError: (error) => {
        this.#readers.wake('state');
        tell(onError, error);
      },
    });
  }

  get current(): T {
    const value = this.held();
    this.checkUnexpired(this.#feed.expiresAt(value));
    return value;
  }

  get health(): FileSourceHealth {
    const { connected, lastError } = this.#watch;
    return { connected, lastError, expiresAt: this.#expiresAt() };
  }

  ready(options: ReadyOptions = {}): Promise<void> {
    return this.#readers.ready(options);
  }

  updates(options: UpdatesOptions = {}): AsyncIterable<T> {
    return this.#readers.updates(options);
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#release();
      this.#readers.end();
    }
    await this.#watch.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What was read last, whether or not it has expired. @internal */
  protected held(): T {
    this.checkOpen();
    return this.#watch.read();
  }

  /** @internal */
  protected checkOpen(): void {
    if (this.#closed) throw new FileSourceError('closed', 'the source was closed');
  }

  /** An expired identity is never presented, whatever the files hold. @internal */
  protected checkUnexpired(expiresAt: Date | undefined): void {
    if (expiresAt === undefined || this.#clock() < expiresAt.getTime()) return;
    const cause = this.#watch.lastError;
    const message = `the identity in the files expired at ${expiresAt.toISOString()} and was not replaced`;
    throw new FileSourceError('expired', message, { cause });
  }

  #expiresAt(): Date | undefined {
    try {
      return this.#feed.expiresAt(this.current);
    } catch {
      return undefined;
    }
  }
}

/** The path of a file as it is kept: one that does not depend on where the process goes. */
export function pathOption(name: string, path: unknown): string {
  if (typeof path !== 'string' || path === '') throw new TypeError(`${name} must be the path of a file`);
  return resolve(path);
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw new TypeError(`${name} must be a positive number`);
  return value;
}

function notReadyWithin(timeoutMs: number | undefined, cause: unknown): FileSourceError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new FileSourceError('timeout', `the source was not ready within ${timeoutMs} ms${why}`, { cause });
}
