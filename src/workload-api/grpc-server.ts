import { once, setMaxListeners } from 'node:events';
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { abortable, onAbort } from '../internal/abort.js';
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
  /** How connections are secured. Default: not at all, as the Workload Endpoint is served (section 3.1). */
  readonly credentials?: ServerCredentials | undefined;
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
  for (const method of service.methods) {
    const handler = (handlers as Readonly<Record<string, AnyHandler | undefined>>)[method.localName];
    if (handler === undefined) continue;
    const stream = method.methodKind === 'server_streaming';
    const serve: UntypedHandleCall = stream
      ? serveStream(method, handler, context)
      : serveUnary(method, handler, context);
    server.register(methodPath(method), serve, passBytes, passBytes, stream ? 'serverStream' : 'unary');
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

function bind(server: Server, address: EndpointAddress, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(grpcTarget(address), credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
