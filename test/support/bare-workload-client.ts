import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';

type Method<Kind extends DescMethod['methodKind'], I extends DescMessage, O extends DescMessage> = DescMethod & {
  readonly methodKind: Kind;
  readonly input: I;
  readonly output: O;
};

/** What a call of the Workload API carries by the standard. */
const SECURITY_HEADER: readonly (readonly [string, string])[] = [['workload.spiffe.io', 'true']];

/** One open stream, read message by message. */
interface BareStream<O extends DescMessage> {
  /** The next message; rejects with the ServiceError that ends the stream. */
  next(): Promise<MessageShape<O>>;
  /** How many messages wait unread. */
  readonly unread: number;
  cancel(): void;
}

/** A Workload API client of nothing but grpc-js: it sends what it is told and checks nothing. */
export interface BareClient {
  unary<I extends DescMessage, O extends DescMessage>(
    method: Method<'unary', I, O>,
    request: MessageInitShape<I>,
    headers?: readonly (readonly [string, string])[],
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: Method<'server_streaming', I, O>,
    request: MessageInitShape<I>,
    headers?: readonly (readonly [string, string])[],
  ): BareStream<O>;
  close(): void;
}

/** The address is in the form of SPIFFE_ENDPOINT_SOCKET. */
export function connectBare(address: string): BareClient {
  const target = address.startsWith('tcp://') ? address.replace('tcp://', 'ipv4:') : address;
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.default_authority': 'localhost',
  });
  return {
    unary: (method, request, headers = SECURITY_HEADER) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          pathOf(method),
          (message: MessageInitShape<typeof method.input>) =>
            Buffer.from(toBinary(method.input, create(method.input, message))),
          (bytes: Buffer) => fromBinary(method.output, bytes),
          request,
          toMetadata(headers),
          (error: ServiceError | null, reply) => (reply === undefined ? reject(error) : resolve(reply)),
        );
      }),
    stream: (method, request, headers = SECURITY_HEADER) =>
      readStream(
        client.makeServerStreamRequest(
          pathOf(method),
          (message: MessageInitShape<typeof method.input>) =>
            Buffer.from(toBinary(method.input, create(method.input, message))),
          (bytes: Buffer) => fromBinary(method.output, bytes),
          request,
          toMetadata(headers),
        ),
      ),
    close: () => client.close(),
  };
}

/** Matches the error of a call by its gRPC status. */
export function withStatus(code: keyof typeof status): { readonly code: number } {
  return { code: status[code] };
}

function pathOf(method: DescMethod): string {
  return `/SpiffeWorkloadAPI/${method.name}`;
}

function toMetadata(headers: readonly (readonly [string, string])[]): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) metadata.add(name, value);
  return metadata;
}

function readStream<O extends DescMessage>(call: ClientReadableStream<MessageShape<O>>): BareStream<O> {
  const messages: MessageShape<O>[] = [];
  const waiting: PromiseSettler<MessageShape<O>>[] = [];
  let ended: unknown;
  call.on('data', (message: MessageShape<O>) => {
    const reader = waiting.shift();
    if (reader) reader.resolve(message);
    else messages.push(message);
  });
  const end = (error: unknown): void => {
    ended ??= error;
    for (const reader of waiting.splice(0)) reader.reject(ended);
  };
  call.on('error', end);
  call.on('end', () => end(new Error('the stream ended without a status')));
  return {
    next: () => {
      const message = messages.shift();
      if (message !== undefined) return Promise.resolve(message);
      if (ended !== undefined) return Promise.reject(ended);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    get unread() {
      return messages.length;
    },
    cancel: () => call.cancel(),
  };
}

interface PromiseSettler<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}
