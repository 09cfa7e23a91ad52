import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { WorkloadApiError } from '../errors/index.js';
import type { GrpcChannel } from './grpc-client.js';
import type { GrpcMethod } from './grpc-wire.js';

export interface EndpointCallsOptions {
  readonly channel: GrpcChannel;
  /** Of the endpoint, as text. */
  readonly address: string;
  /** Whose calls they are, for the message of `closed`. */
  readonly name: string;
  /** Turns what the transport threw into a `WorkloadApiError`; leaves the reason of an abort as it is. */
  readonly translate: (error: unknown, method: DescMethod) => unknown;
}

/** The calls of one endpoint with messages as they came and errors as `WorkloadApiError`. */
export class EndpointCalls {
  /** Of the endpoint, as text. */
  readonly address: string;
  readonly #options: EndpointCallsOptions;
  readonly #channel: GrpcChannel;
  readonly #onClose = new Set<() => void>();
  #closed = false;

  constructor(options: EndpointCallsOptions) {
    this.address = options.address;
    this.#options = options;
    this.#channel = options.channel;
  }

  /** @throws `WorkloadApiError`, or the signal's reason. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: GrpcMethod<'unary', I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): Promise<MessageShape<O>> {
    this.#checkOpen();
    try {
      return await this.#channel.unary(method, request, { signal });
    } catch (error) {
      throw this.#translate(error, method);
    }
  }

  /** One call; starts with the first `next()`, ends with `return()`. Throws as {@link unary} does. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: GrpcMethod<'server_streaming', I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): AsyncIterable<MessageShape<O>> {
    return {
      [Symbol.asyncIterator]: () => {
        const messages = this.#channel.serverStream(method, request, { signal })[Symbol.asyncIterator]();
        return {
          next: async () => {
            this.#checkOpen();
            try {
              return await messages.next();
            } catch (error) {
              throw this.#translate(error, method);
            }
          },
          return: async () => {
            await messages.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  /** Makes calls to come on a connection that was made after `since`, an instant of `performance.now()`. */
  renewConnection(since: number): void {
    if (!this.#closed) this.#channel.renewConnection(since);
  }

  /** Ends every open call with `closed`. May be called again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#channel.close();
    for (const listener of this.#onClose) listener();
    this.#onClose.clear();
  }

  /** Calls `listener` when the calls are closed. The returned function takes it off again. */
  onClose(listener: () => void): () => void {
    this.#onClose.add(listener);
    return () => this.#onClose.delete(listener);
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closedError();
  }

  #translate(error: unknown, method: DescMethod): unknown {
    const translated = this.#options.translate(error, method);
    return this.#closed && translated instanceof WorkloadApiError ? this.#closedError() : translated;
  }

  #closedError(): WorkloadApiError {
    return new WorkloadApiError('closed', `${this.#options.name} was closed`);
  }
}
