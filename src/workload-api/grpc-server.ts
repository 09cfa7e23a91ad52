import { type EventEmitter, once, setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { abortable, onAbort } from '../internal/abort.js';
import { tell } from '../internal/tell.js';
import type { EndpointAddress } from './endpoint-address.js';
import { shutDown } from './grpc-shutdown.js';
import { GrpcStatus, GrpcStatusError } from './grpc-status.js';
import { decode, encode, grpcTarget, methodPath, passBytes, UndecodableMessage } from './grpc-wire.js';

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

type BidiStreamHandler<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
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
      : Methods[Name]['methodKind'] extends 'bidi_streaming'
        ? BidiStreamHandler<Methods[Name]['input'], Methods[Name]['output']>
        : never;
};

/** A service with its handlers, for a server that has several. */
export interface ServedService {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, AnyHandler | undefined>>;
}

/** Pairs a service with handlers that fit it. */
export function servedService<Methods extends GenServiceMethods>(
  service: GenService<Methods>,
  handlers: GrpcHandlers<Methods>,
): ServedService {
  return { service, handlers: handlers as ServedService['handlers'] };
}

export interface GrpcServerOptions {
  /** How connections are secured. Default: not at all, as the Workload Endpoint is served (section 3.1). */
  readonly credentials?: ServerCredentials | undefined;
  /** Called before every handler; throws {@link GrpcStatusError} to refuse the call. Default: none. */
  readonly admit?: ((call: GrpcServerCall) => void) | undefined;
  /** Services beside the one, under the same rules. Default: none. */
  readonly more?: readonly ServedService[] | undefined;
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
 * Serves one service.
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
  // Every open call listens.
  setMaxListeners(0, closing.signal);
  const context: ServerContext = { closing: closing.signal, options };
  for (const served of [servedService(service, handlers), ...(options.more ?? [])]) {
    registerService(server, served, context);
  }
  const port = await bind(server, address, options.credentials ?? ServerCredentials.createInsecure());
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
type AnyHandler = (request: never, call: GrpcServerCall) => unknown;

type SurfaceCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

function registerService(server: Server, { service, handlers }: ServedService, context: ServerContext): void {
  for (const method of service.methods) {
    const handler = handlers[method.localName];
    if (handler === undefined) continue;
    const path = methodPath(method);
    const { input } = method;
    if (method.methodKind === 'server_streaming') {
      const serve = serveStream<ServerWritableStream<Buffer, Buffer>>(method, handler, context, ({ request }) =>
        decode(input, request),
      );
      server.register(path, serve, passBytes, passBytes, 'serverStream');
    } else if (method.methodKind === 'bidi_streaming') {
      const serve = serveStream<ServerDuplexStream<Buffer, Buffer>>(method, handler, context, (call) =>
        decoded(call, input),
      );
      server.register(path, serve, passBytes, passBytes, 'bidi');
    } else {
      server.register(path, serveUnary(method, handler, context), passBytes, passBytes, 'unary');
    }
  }
}

/** The end of the requests must not destroy the stream, over which answers and the status are still to go. */
async function* decoded<I extends DescMessage>(call: Readable, input: I): AsyncIterable<MessageShape<I>> {
  for await (const bytes of call.iterator({ destroyOnReturn: false })) yield decode(input, bytes);
}

/** One call as the server sees it: what the handler is told, and how the call gets told that the client has gone. */
class ServedCall implements GrpcServerCall {
  readonly #call: SurfaceCall;
  readonly #controller = new AbortController();
  readonly #release: () => void;

  constructor(call: SurfaceCall, closing: AbortSignal) {
    this.#call = call;
    const gone = (): void =>
      this.#controller.abort(new GrpcStatusError(GrpcStatus.cancelled, 'the client cancelled the call'));
    const events: EventEmitter = call;
    events.on('cancelled', gone);
    const release = onAbort(closing, (reason) => this.#controller.abort(reason));
    // grpc-js also says "cancelled" of calls that were answered.
    this.#release = () => {
      events.off('cancelled', gone);
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
      const work = Promise.resolve(handler(decode(method.input, call.request) as never, served));
      const reply = await abortable(work, served.signal);
      callback(null, encode(method.output, reply as MessageInitShape<DescMessage>));
    } catch (error) {
      callback(statusOf(error, context));
    } finally {
      served.release();
    }
  };
}

function serveStream<Call extends ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>>(
  method: DescMethod,
  handler: AnyHandler,
  context: ServerContext,
  read: (call: Call) => unknown,
): (call: Call) => Promise<void> {
  return async (call) => {
    const served = new ServedCall(call, context.closing);
    let replies: AsyncIterator<MessageInitShape<DescMessage>> | undefined;
    try {
      context.options.admit?.(served);
      const stream = handler(read(call) as never, served);
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
  tell(context.options.onError, error);
  return { code: GrpcStatus.internal, details: 'internal error' };
}

function bind(server: Server, address: EndpointAddress, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(grpcTarget(address), credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
