import type { Socket } from 'node:net';
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
import { type Connection, GrpcConnections, type Lease } from './grpc-connections.js';
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

/**
 * A connection to one gRPC server, opened when the first call needs it, again whenever it was lost, and beside the old one
 * when a call got no answer and the server has been silent.
 */
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
  /**
   * Makes calls to come on a connection that was made after `since`, an instant of `performance.now()`. Open calls keep
   * theirs.
   */
  renewConnection(since: number): void;
  /** Ends every call with `cancelled` and closes the connection. */
  close(): void;
}

/** Opens a channel. */
export function openGrpcChannel(address: EndpointAddress, options: GrpcChannelOptions): GrpcChannel {
  const connections = new GrpcConnections(() => connectionTo(address, options));
  const open = new Set<() => void>();
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.metadata)) metadata.set(name, value);

  return {
    unary(method, request, callOptions = {}) {
      return new Promise((resolve, reject) => {
        const { signal } = callOptions;
        if (signal?.aborted) return reject(signal.reason);
        const bytes = encode(method.input, request);
        const lease = connections.lease();
        const done = (error: ServiceError | null, reply?: Buffer) => {
          open.delete(cancel);
          lease.end();
          release();
          if (error !== null) return reject(toStatusError(error));
          try {
            resolve(decode(method.output, reply ?? Buffer.alloc(0)));
          } catch (undecodable) {
            reject(undecodable);
          }
        };
        const call = lease.client.makeUnaryRequest(methodPath(method), passBytes, passBytes, bytes, metadata, {}, done);
        const cancel = () => call.cancel();
        open.add(cancel);
        const release = onAbort(signal, (reason) => {
          reject(reason);
          cancel();
          lease.giveUp();
        });
      });
    },
    serverStream(method, request, callOptions = {}) {
      return {
        [Symbol.asyncIterator]: () => {
          const start = () => {
            const bytes = encode(method.input, request);
            const lease = connections.lease();
            const call = lease.client.makeServerStreamRequest(
              methodPath(method),
              passBytes,
              passBytes,
              bytes,
              metadata,
            );
            return { call, lease };
          };
          return iterateCall(start, open, callOptions.signal, (bytes) => decode(method.output, bytes));
        },
      };
    },
    renewConnection(since) {
      connections.renew(since);
    },
    close() {
      for (const cancel of open) cancel();
      connections.close();
    },
  };
}

/** A client of grpc-js, which connects when the first call is made, with the sockets that it was given. */
function connectionTo(address: EndpointAddress, options: GrpcChannelOptions): Connection<Client> {
  const sockets = new Set<Socket>();
  let receivedBefore = 0;
  let destroyed = false;
  const follow = (socket: Socket): void => {
    // It was still connecting when it was no longer wanted.
    if (destroyed) socket.destroy();
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      receivedBefore += socket.bytesRead;
    });
    // A peer that vanished without a word is noticed in under a minute while the connection is idle.
    if (address.transport === 'tcp') socket.setKeepAlive(true, 30_000);
  };
  const secured = followingSockets(options.credentials ?? credentials.createInsecure(), follow);
  const client = new Client(grpcTarget(address), secured, clientOptions(options));
  return {
    client,
    received: () => [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, receivedBefore),
    close: () => client.close(),
    destroy() {
      destroyed = true;
      client.close();
      for (const socket of sockets) socket.destroy();
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
    // A path may be dead behind a proxy that keeps the socket open. Servers written in Go (SPIRE) close connections that
    // ping more often than every five minutes, or while there is no call; without calls grpc-js does not.
    'grpc.keepalive_time_ms': 330_000,
    'grpc.keepalive_timeout_ms': 20_000,
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
function followingSockets(given: ChannelCredentials, follow: (socket: Socket) => void): ChannelCredentials {
  const connector: ChannelCredentials['_createSecureConnector'] = (...args) => {
    const inner = given._createSecureConnector(...args);
    return {
      waitForReady: () => inner.waitForReady(),
      getCallCredentials: () => inner.getCallCredentials(),
      destroy: () => inner.destroy(),
      async connect(socket) {
        follow(socket);
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
  start: () => { readonly call: ClientReadableStream<Buffer>; readonly lease: Lease<Client> },
  open: Set<() => void>,
  signal: AbortSignal | undefined,
  read: (bytes: Buffer) => T,
): AsyncIterator<T, undefined> {
  let call: ClientReadableStream<Buffer> | undefined;
  let lease: Lease<Client> | undefined;
  let chunks: AsyncIterator<Buffer> | undefined;
  let finished = false;
  const cancel = () => call?.cancel();
  const finish = () => {
    finished = true;
    open.delete(cancel);
    cancel();
    if (signal?.aborted) lease?.giveUp();
    else lease?.end();
  };
  const begin = () => {
    ({ call, lease } = start());
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
