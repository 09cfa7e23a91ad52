import { BrokerApiError } from '../errors/index.js';
import type { ReadyOptions, UpdatesOptions } from '../internal/source.js';
import type { Source } from '../workload-api/index.js';
import { asBrokerApiError, outward, translatedStream } from './outward-errors.js';
import type { BrokeredSourceHealth, SourceOfWorkload, SourceSetup } from './source-setup.js';

/**
 * What the sources of a broker have in common. Each holds what the endpoint delivered for one reference, and is over when
 * the process of the reference has ended, when the endpoint no longer finds it, or when the client is closed.
 */
export abstract class BrokeredSource<T> implements SourceOfWorkload<T> {
  readonly #source: Source<T>;
  readonly #setup: SourceSetup;
  readonly #forget: () => void;

  /** @internal */
  constructor(setup: SourceSetup, source: Source<T>) {
    this.#source = source;
    this.#setup = setup;
    this.#forget = setup.calls.onClose(() => void this.close());
    setup.life.onEnd((error) => {
      void this.close();
      setup.announceEnd(error);
    });
  }

  get current(): T {
    return this.read(() => this.#source.current);
  }

  get health(): BrokeredSourceHealth {
    this.#setup.life.check();
    const { connected, lastError, expiresAt } = this.#source.health;
    const { ended } = this.#setup.life;
    const failure = lastError === undefined ? undefined : outward(lastError, this.#setup.label);
    return { connected, lastError: ended ?? failure, expiresAt };
  }

  async ready(options: ReadyOptions = {}): Promise<void> {
    try {
      await this.#source.ready(options);
    } catch (error) {
      throw this.translate(error);
    }
    this.checkAlive();
  }

  updates(options: UpdatesOptions = {}): AsyncIterable<T> {
    return this.#untilTheEnd(translatedStream(this.#source.updates(options), (error) => this.translate(error)));
  }

  /** Ends every stream and timer and forgets what was delivered; whoever waits gets `closed`. May be called again. */
  async close(): Promise<void> {
    this.#forget();
    this.#setup.life.stop();
    await this.#source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Reads something of the source beneath, unless the workload has ended.
   *
   * @internal
   */
  protected read<R>(get: () => R): R {
    this.checkAlive();
    try {
      return get();
    } catch (error) {
      throw this.translate(error);
    }
  }

  /** @internal */
  protected checkAlive(): void {
    const { life } = this.#setup;
    life.check();
    if (life.ended !== undefined) throw life.ended;
  }

  /**
   * The error of this room: after the end of the workload, whatever went wrong, that.
   *
   * @internal
   */
  protected translate(error: unknown): unknown {
    const translated = asBrokerApiError(error, this.#setup.label);
    if (!(translated instanceof BrokerApiError)) return translated;
    if (translated.code === 'workload_not_found') this.#setup.life.notFound(translated);
    return this.#setup.life.ended ?? translated;
  }

  /** A source that is closed ends its iterations without a word; the end of the workload is one to be told. */
  async *#untilTheEnd(stream: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    for await (const value of stream) {
      this.checkAlive();
      yield value;
    }
    const { ended } = this.#setup.life;
    if (ended !== undefined) throw ended;
  }
}
