import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { abortable, onAbort } from '../internal/abort.js';
import type { EndpointAddress } from './endpoint-address.js';
import { GrpcStatusError, toGrpcStatusCode } from './grpc-status.js';
import { decode, encode, type GrpcMethod, grpcTarget, methodPath, passBytes } from './grpc-wire.js';

export interface GrpcChannelOptions {
  /** Metadata sent with every call. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Largest message accepted, in bytes; a larger one ends its call with `resourceExhausted`. */
  readonly maxMessageBytes: number;
  /** How connections are secured. Default: not at all, as the Workload Endpoint is served (section 3.1). */
  readonly credentials?: ChannelCredentials | undefined;
}

interface GrpcCallOptions {
  /** Ends the call; whoever waits on it gets the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A connection to one gRPC server, opened when the first call needs it and again whenever it was lost. */
export interface GrpcChannel {
  /** @throws GrpcStatusError, or the signal's reason. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: GrpcMethod<'unary', I, O>,
    request: MessageInitShape<I>,
    options?: GrpcCallOptions,
  ): Promise<MessageShape<O>>;
  /**
   * The call starts with the first `next()`, and `return()`, which is what `break` calls, cancels it at once. The
   * sequence ends when the server ends the stream with OK; any other end throws.
   */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: GrpcMethod<'server_streaming', I, O>,
    request: MessageInitShape<I>,
    options?: GrpcCallOptions,
  ): AsyncIterable<MessageShape<O>>;
  /** Ends every call with `cancelled` and closes the connection. */
  close(): void;
}

/** Opens a channel. */
export function openGrpcChannel(address: EndpointAddress, options: GrpcChannelOptions): GrpcChannel {
  const secured = socketsThatLetTheProcessEnd(options.credentials ?? credentials.createInsecure());
  const client = new Client(grpcTarget(address), secured, clientOptions(options));
  const open = new Set<() => void>();
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.metadata)) metadata.set(name, value);

  return {
    unary(method, request, callOptions = {}) {
      return new Promise((resolve, reject) => {
        const { signal } = callOptions;
        if (signal?.aborted) return reject(signal.reason);
        const bytes = encode(method.input, request);
        const done = (error: ServiceError | null, reply?: Buffer) => {
          open.delete(cancel);
          release();
          if (error !== null) return reject(toStatusError(error));
          try {
            resolve(decode(method.output, reply ?? Buffer.alloc(0)));
          } catch (undecodable) {
            reject(undecodable);
          }
        };
        const call = client.makeUnaryRequest(methodPath(method), passBytes, passBytes, bytes, metadata, {}, done);
        const cancel = () => call.cancel();
        open.add(cancel);
        const release = onAbort(signal, (reason) => {
          reject(reason);
          cancel();
        });
      });
    },
    serverStream(method, request, callOptions = {}) {
      return {
        [Symbol.asyncIterator]: () => {
          const start = () =>
            client.makeServerStreamRequest(
              methodPath(method),
              passBytes,
              passBytes,
              encode(method.input, request),
              metadata,
            );
          return iterateCall(start, open, callOptions.signal, (bytes) => decode(method.output, bytes));
        },
      };
    },
    close() {
      for (const cancel of open) cancel();
      client.close();
    },
  };
}
function clientOptions(options: GrpcChannelOptions): ChannelOptions {
  return {
    // Go servers want a host name here, and a socket path is none.
    'grpc.default_authority': 'localhost',
    'grpc.max_receive_message_length': options.maxMessageBytes,
    // A local endpoint that came back should be found in about a second. Sources do their own waiting on top.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    // The endpoint tells callers apart by connection; one of another client in this process is not ours to use.
    'grpc.use_local_subchannel_pool': 1,
    // An endpoint is local by definition, and identities must not travel through whatever http_proxy names.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
  };
}

/**
 * grpc-js refs its socket for as long as a call is open, and a Workload API stream is open for ever. The connector of
 * the channel credentials is where grpc-js hands out the socket, so this is where ref() is taken off it. Should a later
 * grpc-js not ask for a connector any more, nothing breaks: open streams then keep the process alive.
 */
function socketsThatLetTheProcessEnd(given: ChannelCredentials): ChannelCredentials {
  const connector: ChannelCredentials['_createSecureConnector'] = (...args) => {
    const inner = given._createSecureConnector(...args);
    return {
      waitForReady: () => inner.waitForReady(),
      getCallCredentials: () => inner.getCallCredentials(),
      destroy: () => inner.destroy(),
      async connect(socket) {
        const connected = await inner.connect(socket);
        connected.socket.unref();
        connected.socket.ref = () => connected.socket;
        return connected;
      },
    };
  };
  return Object.create(given, { _createSecureConnector: { value: connector } });
}

function toStatusError(error: ServiceError): GrpcStatusError {
  return new GrpcStatusError(toGrpcStatusCode(error.code), error.details);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** `return()` cancels even while a `next()` is waiting, which an async generator could not do. */
function iterateCall<T>(
  start: () => ClientReadableStream<Buffer>,
  open: Set<() => void>,
  signal: AbortSignal | undefined,
  read: (bytes: Buffer) => T,
): AsyncIterator<T, undefined> {
  let call: ClientReadableStream<Buffer> | undefined;
  let chunks: AsyncIterator<Buffer> | undefined;
  let finished = false;
  const cancel = () => call?.cancel();
  const finish = () => {
    finished = true;
    open.delete(cancel);
    cancel();
  };
  const begin = () => {
    call = start();
    // A status may arrive when nobody is reading any more.
    call.on('error', () => {});
    open.add(cancel);
    return call[Symbol.asyncIterator]();
  };
  return {
    async next() {
      if (finished) return DONE;
      try {
        signal?.throwIfAborted();
        chunks ??= begin();
        const step = await abortable(chunks.next(), signal);
        if (!step.done) return { done: false, value: read(step.value) };
        finish();
        return DONE;
      } catch (error) {
        if (finished) return DONE;
        finish();
        throw isServiceError(error) ? toStatusError(error) : error;
      }
    },
    async return() {
      finish();
      return DONE;
    },
  };
}
