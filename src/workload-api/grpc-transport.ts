import { once } from 'node:events';
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientReadableStream,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { abortable, onAbort } from '../internal/abort.js';
import type { EndpointAddress } from './endpoint-address.js';
import { shutDown } from './grpc-shutdown.js';
import { GrpcStatus, GrpcStatusError, toGrpcStatusCode } from './grpc-status.js';
import { decode, encode, type GrpcMethod, grpcTarget, methodPath, UndecodableMessage } from './grpc-wire.js';

export interface GrpcChannelOptions {
  /** Metadata sent with every call. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Largest message accepted, in bytes; a larger one ends its call with `resourceExhausted`. */
  readonly maxMessageBytes: number;
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

/** Opens a channel without transport security, as the Workload Endpoint is served (section 3.1). */
export function openGrpcChannel(address: EndpointAddress, options: GrpcChannelOptions): GrpcChannel {
  const client = new Client(grpcTarget(address), socketsThatLetTheProcessEnd(), clientOptions(options));
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
        const call = client.makeUnaryRequest(methodPath(method), pass, pass, bytes, metadata, {}, done);
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
            client.makeServerStreamRequest(methodPath(method), pass, pass, encode(method.input, request), metadata);
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

/** What a handler can know about the call it answers. */
export interface GrpcServerCall {
  /** Aborts when the client cancels, disconnects, or the server closes. */
  readonly signal: AbortSignal;
  /** The values of a metadata key that are text, in the order of arrival; empty when there is none. */
  metadata(name: string): readonly string[];
  /** The `:authority` the client sent. */
  readonly authority: string;
}

type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  call: GrpcServerCall,
) => MessageInitShape<O> | Promise<MessageInitShape<O>>;

type ServerStreamHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  call: GrpcServerCall,
) => AsyncIterable<MessageInitShape<O>>;

/**
 * The handlers of a service by method name. A method without one answers `unimplemented`. A handler ends its call with
 * another status by throwing {@link GrpcStatusError}; anything else it throws ends the call with `internal` and tells
 * the client nothing.
 */
export type GrpcHandlers<Methods extends GenServiceMethods> = {
  readonly [Name in keyof Methods]?: Methods[Name]['methodKind'] extends 'unary'
    ? UnaryHandler<Methods[Name]['input'], Methods[Name]['output']>
    : Methods[Name]['methodKind'] extends 'server_streaming'
      ? ServerStreamHandler<Methods[Name]['input'], Methods[Name]['output']>
      : never;
};

export interface GrpcServerOptions {
  /** Called before every handler; throws {@link GrpcStatusError} to refuse the call. Default: none. */
  readonly admit?: ((call: GrpcServerCall) => void) | undefined;
  /** Told of what a handler threw other than {@link GrpcStatusError}. Default: nobody. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A listening server. */
export interface GrpcServer extends AsyncDisposable {
  /** Where it listens; a TCP port of 0 was replaced by the one the system chose. */
  readonly address: EndpointAddress;
  /** Stops listening and cuts every connection; open calls end with `unavailable` at the client. May be called again. */
  close(): Promise<void>;
}

/**
 * Serves one service without transport security.
 *
 * @throws Error of the operating system when the address cannot be bound.
 */
export async function serveGrpc<Methods extends GenServiceMethods>(
  address: EndpointAddress,
  service: GenService<Methods>,
  handlers: GrpcHandlers<Methods>,
  options: GrpcServerOptions = {},
): Promise<GrpcServer> {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  const closing = new AbortController();
  const context: ServerContext = { closing: closing.signal, options };
  for (const method of service.methods) {
    const handler = (handlers as Readonly<Record<string, AnyHandler | undefined>>)[method.localName];
    if (handler === undefined) continue;
    const stream = method.methodKind === 'server_streaming';
    const serve: UntypedHandleCall = stream
      ? serveStream(method, handler, context)
      : serveUnary(method, handler, context);
    server.register(methodPath(method), serve, pass, pass, stream ? 'serverStream' : 'unary');
  }
  const port = await bind(server, address);
  let closed: Promise<void> | undefined;
  const close = () => {
    closing.abort(new GrpcStatusError(GrpcStatus.unavailable, 'the server is closing'));
    closed ??= shutDown(server);
    return closed;
  };
  return {
    address: address.transport === 'tcp' ? { ...address, port } : address,
    close,
    [Symbol.asyncDispose]: close,
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
function socketsThatLetTheProcessEnd(): ChannelCredentials {
  const plain = credentials.createInsecure();
  const connector: ChannelCredentials['_createSecureConnector'] = (...args) => {
    const inner = plain._createSecureConnector(...args);
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
  return Object.create(plain, { _createSecureConnector: { value: connector } });
}

function pass(bytes: Buffer): Buffer {
  return bytes;
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

type AnyHandler = (request: MessageShape<DescMessage>, call: GrpcServerCall) => unknown;

type SurfaceCall = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

/** One call as the server sees it: what the handler is told, and how the call gets told that the client has gone. */
class ServedCall implements GrpcServerCall {
  readonly #call: SurfaceCall;
  readonly #controller = new AbortController();
  readonly #release: () => void;

  constructor(call: SurfaceCall, closing: AbortSignal) {
    this.#call = call;
    const gone = (): void =>
      this.#controller.abort(new GrpcStatusError(GrpcStatus.cancelled, 'the client cancelled the call'));
    call.on('cancelled', gone);
    const release = onAbort(closing, (reason) => this.#controller.abort(reason));
    // grpc-js also says "cancelled" of calls that were answered.
    this.#release = () => {
      call.off('cancelled', gone);
      release();
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get authority(): string {
    return this.#call.getHost();
  }

  metadata(name: string): readonly string[] {
    return this.#call.metadata.get(name).filter((value) => typeof value === 'string');
  }

  release(): void {
    this.#release();
  }
}

interface ServerContext {
  readonly closing: AbortSignal;
  readonly options: GrpcServerOptions;
}

function serveUnary(method: DescMethod, handler: AnyHandler, context: ServerContext): handleUnaryCall<Buffer, Buffer> {
  return async (call, callback) => {
    const served = new ServedCall(call, context.closing);
    try {
      context.options.admit?.(served);
      const work = Promise.resolve(handler(decode(method.input, call.request), served));
      const reply = await abortable(work, served.signal);
      callback(null, encode(method.output, reply as MessageInitShape<DescMessage>));
    } catch (error) {
      callback(statusOf(error, context));
    } finally {
      served.release();
    }
  };
}

function serveStream(
  method: DescMethod,
  handler: AnyHandler,
  context: ServerContext,
): handleServerStreamingCall<Buffer, Buffer> {
  return async (call) => {
    const served = new ServedCall(call, context.closing);
    let replies: AsyncIterator<MessageInitShape<DescMessage>> | undefined;
    try {
      context.options.admit?.(served);
      const stream = handler(decode(method.input, call.request), served);
      replies = (stream as AsyncIterable<MessageInitShape<DescMessage>>)[Symbol.asyncIterator]();
      for (;;) {
        const step = await abortable(replies.next(), served.signal);
        if (step.done) break;
        if (!call.write(encode(method.output, step.value))) await abortable(once(call, 'drain'), served.signal);
      }
      call.end();
    } catch (error) {
      call.emit('error', statusOf(error, context));
      // A handler that is waiting for its next reply is told by the signal; this ends one that is not.
      replies?.return?.().catch(() => {});
    } finally {
      served.release();
    }
  };
}

function statusOf(error: unknown, context: ServerContext): { readonly code: number; readonly details: string } {
  if (error instanceof GrpcStatusError) return { code: error.status, details: error.message };
  if (error instanceof UndecodableMessage) return { code: GrpcStatus.invalidArgument, details: error.message };
  context.options.onError?.(error);
  return { code: GrpcStatus.internal, details: 'internal error' };
}

function bind(server: Server, address: EndpointAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(grpcTarget(address), ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
