import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { Connector } from './connect.js';
import type { Connection } from './connection.js';
import type { MtlsClientOptions } from './mtls-options.js';
import { readMtlsClientOptions } from './read-options.js';

/** What undici says about the connection it wants. */
export interface UndiciConnectOptions {
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly servername?: string | undefined;
  readonly localAddress?: string | null | undefined;
  readonly httpSocket?: Socket | undefined;
}

/** How undici wants the connection, or what went wrong. */
export type UndiciConnectCallback = (...result: [null, TLSSocket] | [Error, null]) => void;

/** The `connect` function of undici's `Agent`, `Pool` and `Client`. */
export type UndiciConnector = (options: UndiciConnectOptions, callback: UndiciConnectCallback) => void;

/**
 * Makes undici, and with it `fetch`, speak SPIFFE mutual TLS: `new Agent({ connect: createUndiciConnector(options) })`.
 * Connections are verified as by `createHttpsAgent` before undici sees them, sessions are not resumed, and `http:`
 * URLs are refused (`not_tls`). `fetch` rejects with a `TypeError` whose cause is the `TlsError`.
 *
 * On a kept connection nothing more is sent to a peer whose certificates have expired, whose bundle no longer verifies
 * them, or whom the authorizer no longer admits. After a rotation of our SVID a connection is replaced as soon as it is
 * idle, which with undici's `Agent` and `Pool` it is between any two requests. A bare `Client` that always has a request
 * waiting never is: its connection ends when the first of the certificates at both ends expires, with the request then in
 * flight.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createUndiciConnector(options: MtlsClientOptions): UndiciConnector {
  const connector = new Connector(readMtlsClientOptions(options), {});
  return (wanted, callback) => {
    if (wanted.protocol !== 'https:') {
      const refusal = new TlsError('not_tls', 'mutual TLS was asked for, but the URL is not https:');
      process.nextTick(() => callback(refusal, null));
      return;
    }
    connector.connect(connectionOptions(wanted), (error, connection) => {
      if (connection === undefined) return callback(error ?? new Error('no connection'), null);
      connection.socket.setNoDelay(true).setKeepAlive(true, 60_000);
      checkWrites(connection);
      replaceWhenIdle(connection, connector);
      return callback(null, connection.socket);
    });
  };
}

function connectionOptions({
  hostname,
  port,
  servername,
  localAddress,
  httpSocket,
}: UndiciConnectOptions): ConnectionOptions {
  return {
    host: hostname,
    port: port === '' ? 443 : Number(port),
    ALPNProtocols: ['http/1.1'],
    ...(servername ? { servername } : {}),
    ...(localAddress ? { localAddress } : {}),
    ...(httpSocket === undefined ? {} : { socket: httpSocket }),
  };
}

/** A peer that has meanwhile expired, lost its bundle or its authorization gets no further byte; the request fails. */
function checkWrites(connection: Connection): void {
  const { socket } = connection;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  const checked = (...args: unknown[]): boolean => {
    try {
      connection.recheck();
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined);
      return false;
    }
    return write(...args);
  };
  socket.write = checked as typeof socket.write;
}

/**
 * undici calls `unref()` on the socket of a connection that falls idle and `ref()` when it takes it up again, before it
 * picks a request. Destroyed there, the connection is replaced by a new one, with our identity of that moment, and no
 * request is lost.
 */
function replaceWhenIdle(connection: Connection, connector: Connector): void {
  const { socket } = connection;
  const [ref, unref] = [socket.ref.bind(socket), socket.unref.bind(socket)];
  let idle = false;
  socket.ref = () => {
    idle = false;
    if (!connector.isReusable(connection)) socket.destroy();
    return ref();
  };
  socket.unref = () => {
    idle = true;
    return unref();
  };
  connection.use({ isIdle: () => idle, drain: () => void (idle && socket.destroy()) });
}
