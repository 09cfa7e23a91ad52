import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { type Connection, Connector } from './connect.js';
import { type MtlsClientOptions, readMtlsClientOptions } from './mtls-options.js';

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

/** Node's timers hold no longer delay. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Makes undici, and with it `fetch`, speak SPIFFE mutual TLS: `new Agent({ connect: createUndiciConnector(options) })`.
 * Connections are verified as by `createHttpsAgent` before undici sees them, sessions are not resumed, and `http:`
 * URLs are refused (`not_tls`). A connection that was idle is used again only under the conditions given there. One that
 * is never idle ends when the first of the certificates at both ends expires, with the request then in flight.
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
      limitReuse(connection, connector);
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

/**
 * undici gives no notice when it takes up an idle connection, except that it calls `ref()` on the socket, having called
 * `unref()` when the connection fell idle, and does so before it picks a request. Destroyed there, the connection is
 * replaced by a new one and no request is lost.
 */
function limitReuse(connection: Connection, connector: Connector): void {
  const { socket, svid, peer } = connection;
  const ref = socket.ref.bind(socket);
  socket.ref = () => {
    if (!connector.isReusable(connection)) socket.destroy();
    return ref();
  };
  const endsAt = Math.min(svid.expiresAt.getTime(), peer.svid.expiresAt.getTime());
  const arm = (): NodeJS.Timeout => {
    const delay = endsAt - connector.settings.clock();
    const next = (): void => {
      if (connector.settings.clock() >= endsAt) socket.destroy();
      else timer = arm();
    };
    return setTimeout(next, Math.min(Math.max(delay, 1), MAX_DELAY_MS)).unref();
  };
  let timer = arm();
  socket.once('close', () => clearTimeout(timer));
}
