import { WorkloadApiError } from '../errors/index.js';
import { type BackoffOptions, backoffDelays } from '../internal/backoff.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { holdProcess } from '../internal/hold-process.js';
import { SourceReaders } from '../internal/source-readers.js';
import { tell } from '../internal/tell.js';
import type { Deliveries } from './deliveries.js';
import type { ReadyOptions, SourceBackoff, SourceHealth, SourceOptions, UpdatesOptions } from './source-options.js';
import { type HeldIdentity, type StreamFeed, StreamWatch } from './stream-watch.js';

/** What all sources are made of: watched streams, one way of reading them together, and those who wait for news. */
export class SourceCore<T> {
  readonly clock: Clock;
  readonly #options: SourceOptions;
  readonly #deliveries: Deliveries;
  readonly #backoff: BackoffOptions;
  readonly #read: () => T;
  readonly #watches: StreamWatch<unknown>[] = [];
  readonly #readers: SourceReaders<T>;
  readonly #release: () => void;
  #closed = false;

  /** @param read Gives what the source holds, or throws why it cannot. Called only while the source is open. */
  constructor(options: SourceOptions, deliveries: Deliveries, read: () => T) {
    this.#deliveries = deliveries;
    this.#backoff = backoffOf(options.backoff);
    try {
      checkTimeout(options.firstMessageTimeoutMs);
      // Refuses bounds that are none.
      backoffDelays(this.#backoff);
    } catch (error) {
      deliveries.close();
      throw error;
    }
    this.clock = options.clock ?? systemClock;
    this.#options = options;
    this.#read = read;
    this.#release = options.keepProcessAlive ? holdProcess() : () => {};
    this.#readers = new SourceReaders({
      read: () => this.current(),
      isFinal: (error) => this.#isFinal(error),
      over: () => this.#whyOver(),
      notReadyWithin,
    });
  }

  /** Starts to watch a stream. */
  watch<M, V>(feed: StreamFeed<M, V>): StreamWatch<V> {
    const watch = StreamWatch.start(feed, {
      address: this.#deliveries.address,
      publish: this.#deliveries.publish,
      backoff: backoffDelays(this.#backoff),
      clock: this.clock,
      renewConnection: (since) => this.#deliveries.renewConnection(since),
      firstMessageTimeoutMs: this.#options.firstMessageTimeoutMs ?? 10_000,
      onError: (error) => this.report(error),
      onChange: (what) => this.#readers.wake(what === 'value' ? 'value' : 'state'),
    });
    this.#watches.push(watch);
    return watch;
  }

  report(error: WorkloadApiError): void {
    tell(this.#options.onError, error);
  }

  current(): T {
    this.checkOpen();
    return this.#read();
  }

  checkOpen(): void {
    if (this.#closed) throw new WorkloadApiError('closed', 'the source was closed');
  }

  /** A profile that the endpoint does not serve says nothing about the others; it counts where there is nothing else. */
  health(expiresAt: Date | undefined): SourceHealth {
    const served = this.#watches.filter((watch) => watch.stopError?.code !== 'unimplemented');
    const watches = served.length > 0 ? served : this.#watches;
    return {
      connected: !this.#closed && watches.every((watch) => watch.link === 'open'),
      lastError: watches.find((watch) => watch.lastError !== undefined)?.lastError,
      expiresAt,
    };
  }

  /** The instant when what is presented expires, where something is. */
  expiryOf(read: () => Date): Date | undefined {
    if (this.#closed) return undefined;
    try {
      return read();
    } catch {
      return undefined;
    }
  }

  ready(options: ReadyOptions = {}): Promise<void> {
    return this.#readers.ready(options);
  }

  updates(options: UpdatesOptions = {}): AsyncIterable<T> {
    return this.#readers.updates(options);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
    this.#deliveries.close();
    this.#release();
    this.#readers.end();
  }

  /** With every stream stopped, nothing can change any more. */
  #whyOver(): WorkloadApiError | undefined {
    if (this.#watches.some((watch) => watch.stopError === undefined)) return undefined;
    return this.#watches[0]?.stopError ?? new WorkloadApiError('closed', 'the source watches nothing');
  }

  #isFinal(error: unknown): boolean {
    return this.#watches.some(({ stopError }) => {
      return stopError !== undefined && (error === stopError || (error instanceof Error && error.cause === stopError));
    });
  }
}

/** Refuses an identity that has expired: it is never presented, whatever the endpoint may think. */
export function checkUnexpired(svid: HeldIdentity, clock: Clock, watch: StreamWatch<unknown>): void {
  if (clock() < svid.expiresAt.getTime()) return;
  watch.noteExpiry(svid);
  const cause = watch.stopError ?? watch.lastError;
  throw new WorkloadApiError('expired', `${svid.id} expired at ${svid.expiresAt.toISOString()} and was not renewed`, {
    cause,
  });
}

function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || timeoutMs > 0) return;
  throw new TypeError('firstMessageTimeoutMs must be a positive number');
}

function backoffOf(backoff: SourceBackoff | undefined): BackoffOptions {
  return { initialMs: backoff?.initialMs ?? 200, maxMs: backoff?.maxMs ?? 10_000, random: backoff?.random };
}

function notReadyWithin(timeoutMs: number | undefined, cause: unknown): WorkloadApiError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new WorkloadApiError('timeout', `the source was not ready within ${timeoutMs} ms${why}`, { cause });
}
