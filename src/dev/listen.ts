import { DevError, isSvidkitError } from '../errors/index.js';
import { type EndpointAddress, parseEndpointAddress } from '../workload-api/index.js';
import { type GrpcHandlers, type GrpcServer, type GrpcServerCall, SpiffeWorkloadAPI, serveGrpc } from './grpc.js';
import { reflectionOf } from './reflection.js';
import { claimSocketPath, removeSocket, restrictSocket } from './socket-path.js';

/** How the service is served. */
export interface ListenOptions {
  /** Looks at every call first. */
  readonly admit: (call: GrpcServerCall) => void;
  /** Told of a handler that failed. */
  readonly onError: (error: unknown) => void;
}

/** What listens at an address. */
export interface Listener {
  /** With the port that was chosen, where 0 was asked for. */
  readonly address: EndpointAddress;
  close(): Promise<void>;
}

/**
 * Reads an address to listen on.
 *
 * @throws `DevError` `bad_address` when it is none, or not of this machine alone.
 */
export function readListenAddress(text: string): EndpointAddress {
  const [, host = '', bare = ''] = ANY_PORT.exec(text) ?? [];
  if (host !== '' || bare !== '') return { transport: 'tcp', host: host || bare, port: 0 };
  const address = parse(text);
  if (address.transport === 'tcp' && address.host !== '::1' && !address.host.startsWith('127.')) {
    throw new DevError('bad_address', 'the endpoint is served on loopback only, such as tcp://127.0.0.1:0');
  }
  return address;
}

/**
 * Serves the Workload API at an address, at a socket that only this user can open.
 *
 * @throws `DevError` `address_too_long`, `address_in_use` or `listen_failed`.
 */
export async function listen(
  address: EndpointAddress,
  service: GrpcHandlers<(typeof SpiffeWorkloadAPI)['method']>,
  options: ListenOptions,
): Promise<Listener> {
  const path = address.transport === 'unix' ? address.path : undefined;
  if (path !== undefined) await claimSocketPath(path);
  const server = await serve(address, service, options);
  const close = async (): Promise<void> => {
    await server.close();
    if (path !== undefined) await removeSocket(path);
  };
  if (path !== undefined) await restrictSocket(path);
  return { address: server.address, close };
}

/** Port 0, which is an address to listen on but none to connect to. */
const ANY_PORT = /^tcp:\/\/(?:\[(::1)\]|(127\.\d{1,3}\.\d{1,3}\.\d{1,3})):0$/;

function parse(text: string): EndpointAddress {
  try {
    return parseEndpointAddress(text);
  } catch (cause) {
    if (isSvidkitError(cause)) throw new DevError('bad_address', cause.message, { cause });
    throw cause;
  }
}

async function serve(
  address: EndpointAddress,
  service: GrpcHandlers<(typeof SpiffeWorkloadAPI)['method']>,
  options: ListenOptions,
): Promise<GrpcServer> {
  try {
    const more = [reflectionOf(SpiffeWorkloadAPI)];
    return await serveGrpc(address, SpiffeWorkloadAPI, service, { ...options, more });
  } catch (cause) {
    throw new DevError('listen_failed', 'the operating system refuses to listen at this address', { cause });
  }
}
