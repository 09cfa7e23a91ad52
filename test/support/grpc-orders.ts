import { once } from 'node:events';
import type { AddressInfo, ListenOptions } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  ...{ path: `/tools.Orders/${name}`, requestStream, responseStream },
  ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
});

/** A service with a method of each kind, whose messages are bytes. */
const ordersService = {
  place: method('Place', false, false),
  upload: method('Upload', true, false),
  list: method('List', false, true),
  chat: method('Chat', true, true),
};

/** Any call, as a handler or an interceptor gets it. */
export type AnyCall =
  | grpc.ServerUnaryCall<Buffer, Buffer>
  | grpc.ServerReadableStream<Buffer, Buffer>
  | grpc.ServerWritableStream<Buffer, Buffer>
  | grpc.ServerDuplexStream<Buffer, Buffer>;

/**
 * Each method tells by its first message what `tell` gives for the call; `Upload` and `Chat` then give back what they
 * were sent, and `Chat` and `List` stay open: the one until its client is done, the other for good.
 */
export function ordersServer(tell: (call: AnyCall) => string, options: grpc.ServerOptions = {}): grpc.Server {
  const server = new grpc.Server({ 'grpc.enable_channelz': 0, ...options });
  const implementation: grpc.UntypedServiceImplementation = {
    place: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) =>
      callback(null, Buffer.from(tell(call))),
    upload: (call: grpc.ServerReadableStream<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      let text = tell(call);
      call.on('data', (part: Buffer) => {
        text += part;
      });
      call.on('end', () => callback(null, Buffer.from(text)));
    },
    list: (call: grpc.ServerWritableStream<Buffer, Buffer>) => void call.write(Buffer.from(tell(call))),
    chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.write(Buffer.from(tell(call)));
      call.on('data', (part: Buffer) => call.write(part));
      call.on('end', () => call.end());
    },
  };
  server.addService(ordersService, implementation);
  onTestFinished(() => server.forceShutdown());
  return server;
}

/** Listens until the gRPC server behind is shut down, and gives the target for a channel. */
export async function listening(listener: TlsServer, where: ListenOptions = { port: 0 }): Promise<string> {
  listener.listen({ host: '127.0.0.1', ...where });
  await once(listener, 'listening');
  const address = listener.address() as AddressInfo | string;
  return typeof address === 'string' ? `unix:${address}` : `127.0.0.1:${address.port}`;
}

export function ordersClient(
  target: string,
  credentials: grpc.ChannelCredentials,
  options: grpc.ClientOptions = {},
): grpc.Client {
  const client = new grpc.Client(target, credentials, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 50,
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

/** What a failed call says: the name of its status and the details. */
function statusOf(error: unknown): string {
  if (!(error instanceof Error && 'code' in error && 'details' in error)) return `${error}`;
  return `${grpc.status[Number(error.code)]}: ${error.details}`;
}

/** The answer, or the status. */
export function place(client: grpc.Client, metadata: grpc.Metadata = new grpc.Metadata()): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(ordersService.place.path, same, same, Buffer.from('tea'), metadata, (error, answer) =>
      resolve(error === null ? `${answer}` : statusOf(error)),
    );
  });
}

/** Uploads parts and gives the answer, or the status. */
export function upload(client: grpc.Client, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const call = client.makeClientStreamRequest<Buffer, Buffer>(
      ordersService.upload.path,
      same,
      same,
      (error, answer) => resolve(error === null ? `${answer}` : statusOf(error)),
    );
    for (const part of parts) call.write(Buffer.from(part));
    call.end();
  });
}

/** A call that stays open. */
interface OpenCall {
  /** The next message, or the status with which the call ended. */
  next(): Promise<string>;
  send(text: string): void;
  end(): void;
}

export function openList(client: grpc.Client): OpenCall {
  return opened(client.makeServerStreamRequest<Buffer, Buffer>(ordersService.list.path, same, same, Buffer.from('')));
}

export function openChat(client: grpc.Client): OpenCall {
  return opened(client.makeBidiStreamRequest<Buffer, Buffer>(ordersService.chat.path, same, same));
}

function opened(call: grpc.ClientReadableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>): OpenCall {
  const chunks = call[Symbol.asyncIterator]();
  call.on('error', () => undefined);
  return {
    next: () =>
      chunks.next().then(
        ({ done, value }) => (done ? 'end' : `${value}`),
        (error: unknown) => statusOf(error),
      ),
    send: (text) => 'write' in call && void call.write(Buffer.from(text)),
    end: () => 'end' in call && void call.end(),
  };
}
