import { EventEmitter } from 'node:events';
import { type ClientHttp2Session, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';

const NO_CALL_LOST = 2 ** 31 - 1;

/**
 * Makes a channel of grpc-js leave a connection: new calls go to a new one, those underway end where they are, and with
 * the last of them the connection. grpc-js does so when a server says GOAWAY and offers no other way to ask for it, so
 * this is said in the server's place. The session is found among what Node keeps on its socket; should a later Node not
 * keep it there, nothing happens.
 *
 * @returns whether the channel has left.
 */
export function leaveConnection(socket: TLSSocket): boolean {
  const session = sessionOn(socket);
  session?.emit('goaway', constants.NGHTTP2_NO_ERROR, NO_CALL_LOST, Buffer.alloc(0));
  return session?.closed === true;
}

function sessionOn(socket: TLSSocket): ClientHttp2Session | undefined {
  for (const key of Reflect.ownKeys(socket)) {
    const value: unknown = Reflect.get(socket, key);
    if (value instanceof EventEmitter && 'goaway' in value && 'closed' in value) return value as ClientHttp2Session;
  }
  return undefined;
}
