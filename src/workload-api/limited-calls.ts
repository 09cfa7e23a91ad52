import { WorkloadApiError } from '../errors/index.js';
import { openScope } from '../internal/abort.js';
import { holdProcess } from '../internal/hold-process.js';
import { convertStream, noMessageWithin } from './convert-stream.js';
import type { EndpointCalls } from './endpoint-calls.js';

export interface CallOptions {
  /** Ends the call or stream, which then throws the reason of the abort. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's `timeoutMs`, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

export interface ClientLimits {
  readonly maxMessageBytes: number;
  readonly timeoutMs: number;
}

const DEFAULT_MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;

/** @throws `TypeError` for limits that are none. */
export function readLimits(options: { readonly [Limit in keyof ClientLimits]?: number | undefined }): ClientLimits {
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes <= 0) {
    throw new TypeError('maxMessageBytes must be a positive whole number');
  }
  checkTimeout(timeoutMs);
  return { maxMessageBytes, timeoutMs };
}

/** The calls of a client: each has a time limit and its caller's signal, and keeps the process alive while it is open. */
export class LimitedCalls {
  readonly #calls: EndpointCalls;
  readonly #timeoutMs: number;

  constructor(calls: EndpointCalls, timeoutMs: number) {
    this.#calls = calls;
    this.#timeoutMs = timeoutMs;
  }

  async unary<T>(call: (signal: AbortSignal) => Promise<T>, options: CallOptions): Promise<T> {
    const { signal, timeoutMs } = this.#limits(options);
    const scope = openScope({ signal, timeoutMs, onTimeout: () => noMessageWithin(timeoutMs) });
    const release = holdProcess();
    try {
      return await call(scope.signal);
    } finally {
      release();
      scope[Symbol.dispose]();
    }
  }

  /** A stream of what the messages mean; each iteration is a call of its own. The time limit is for the first message. */
  stream<M, T>(
    open: (signal: AbortSignal) => AsyncIterable<M>,
    convert: (message: M) => T,
    options: CallOptions,
  ): AsyncIterable<T> {
    const onClose = (listener: () => void): (() => void) => this.#calls.onClose(listener);
    return convertStream(open, convert, { ...this.#limits(options), onClose });
  }

  #limits(options: CallOptions): Required<CallOptions> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    checkTimeout(timeoutMs);
    return { signal: options.signal, timeoutMs };
  }
}

/** The first value of a stream, which ends then. */
export async function first<T>(stream: AsyncIterable<T>, method: string): Promise<T> {
  for await (const value of stream) return value;
  throw new WorkloadApiError('stream_ended', `${method}: the endpoint ended the stream before its first message`);
}

function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs !== undefined && !(timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number');
}
