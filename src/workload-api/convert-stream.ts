import { WorkloadApiError } from '../errors/index.js';
import { openScope, type Scope } from '../internal/abort.js';
import { holdProcess } from '../internal/hold-process.js';

export interface StreamLimits {
  /** Ends the stream, which then throws the reason of the abort. */
  readonly signal: AbortSignal | undefined;
  /** Limit for the first message, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Calls back when the stream is ended from elsewhere. The returned function takes the listener off again. */
  readonly onClose: (listener: () => void) => () => void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A stream of values over a stream of messages. Each iteration opens a stream of its own and keeps the process alive
 * while it is open. A message that cannot be converted ends it.
 */
export function convertStream<M, T>(
  open: (signal: AbortSignal) => AsyncIterable<M>,
  convert: (message: M) => T,
  limits: StreamLimits,
): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new ConvertedStream(open, convert, limits) };
}

interface RunningCall<M> {
  readonly messages: AsyncIterator<M>;
  readonly scope: Scope;
  /** Gives back what an open call holds: the process and the time limit. May be called again. */
  readonly release: () => void;
}

class ConvertedStream<M, T> implements AsyncIterator<T, undefined> {
  readonly #open: (signal: AbortSignal) => AsyncIterable<M>;
  readonly #convert: (message: M) => T;
  readonly #limits: StreamLimits;
  #running: RunningCall<M> | undefined;
  #finished = false;

  constructor(open: (signal: AbortSignal) => AsyncIterable<M>, convert: (message: M) => T, limits: StreamLimits) {
    this.#open = open;
    this.#convert = convert;
    this.#limits = limits;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#finished) return DONE;
    try {
      this.#running ??= this.#start();
      const { messages, scope } = this.#running;
      const step = await messages.next();
      scope.stopTimer();
      if (!step.done) return { done: false, value: this.#convert(step.value) };
      this.#finish();
      return DONE;
    } catch (error) {
      this.#finish();
      throw error;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#finish();
    return DONE;
  }

  #start(): RunningCall<M> {
    const { signal, timeoutMs, onClose } = this.#limits;
    const scope = openScope({ signal, timeoutMs, onTimeout: () => noMessageWithin(timeoutMs) });
    const letProcessEnd = holdProcess();
    const release = (): void => {
      letProcessEnd();
      scope[Symbol.dispose]();
      forget();
    };
    // A reader that was left without `return()` never hears of the end, and must not hold the process for ever.
    const forget = onClose(release);
    return { messages: this.#open(scope.signal)[Symbol.asyncIterator](), scope, release };
  }

  #finish(): void {
    this.#finished = true;
    this.#running?.release();
    void this.#running?.messages.return?.();
    this.#running = undefined;
  }
}

/** The error of a stream whose first message did not come in time. */
export function noMessageWithin(timeoutMs: number | undefined): WorkloadApiError {
  return new WorkloadApiError('timeout', `the endpoint sent nothing within ${timeoutMs} ms`);
}
