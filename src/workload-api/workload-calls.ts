import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { WorkloadApiError } from '../errors/index.js';
import { type EndpointAddress, formatEndpointAddress } from './endpoint-address.js';
import { type GrpcChannel, openGrpcChannel } from './grpc-client.js';
import type { GrpcMethod } from './grpc-wire.js';
import { fromTransport, type Profile } from './rpc-error.js';

/** Required on every call, against server-side request forgery (SPIFFE_Workload_Endpoint section 3). */
const SECURITY_HEADER = { 'workload.spiffe.io': 'true' };

/** The calls of the Workload API with messages as they came and errors as the room's own. */
export class WorkloadCalls {
  /** Of the endpoint, as text. */
  readonly address: string;
  readonly #channel: GrpcChannel;
  readonly #onClose = new Set<() => void>();
  #closed = false;

  constructor(address: EndpointAddress, maxMessageBytes: number) {
    this.address = formatEndpointAddress(address);
    this.#channel = openGrpcChannel(address, { metadata: SECURITY_HEADER, maxMessageBytes });
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
    if (this.#closed) throw clientClosed();
  }

  #translate(error: unknown, method: DescMethod): unknown {
    const translated = fromTransport(error, method.name, profileOf(method));
    return this.#closed && translated instanceof WorkloadApiError ? clientClosed() : translated;
  }
}

function clientClosed(): WorkloadApiError {
  return new WorkloadApiError('closed', 'the Workload API client was closed');
}

function profileOf(method: DescMethod): Profile {
  if (method.name.includes('WIT')) return 'WIT-SVID';
  return method.name.includes('JWT') ? 'JWT-SVID' : 'X.509-SVID';
}
