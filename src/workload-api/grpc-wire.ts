import { isIPv4 } from 'node:net';
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { EndpointAddress } from './endpoint-address.js';

/** A method descriptor of one kind, as the generated code has them. */
export type GrpcMethod<
  Kind extends DescMethod['methodKind'],
  I extends DescMessage,
  O extends DescMessage,
> = DescMethod & {
  readonly methodKind: Kind;
  readonly input: I;
  readonly output: O;
};

/** Bytes arrived that are not the message the method answers with. */
export class UndecodableMessage extends Error {}

/** The name a method goes by on the wire. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

export function encode<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @throws UndecodableMessage */
export function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new UndecodableMessage(`these bytes are not a ${schema.typeName}`, { cause });
  }
}

/** An endpoint address as grpc-js spells one. */
export function grpcTarget(address: EndpointAddress): string {
  // With `unix:` and one slash, a path that begins with two would be read as an authority.
  if (address.transport === 'unix') return `unix://${address.path}`;
  const { host, port } = address;
  if (host.includes(':')) return `ipv6:[${host}]:${port}`;
  return isIPv4(host) ? `ipv4:${host}:${port}` : `dns:${host}:${port}`;
}

/** The serialiser that grpc-js is given: messages come to it as bytes already. */
export function passBytes(bytes: Buffer): Buffer {
  return bytes;
}
