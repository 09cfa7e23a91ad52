import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TlsError } from '../errors/index.js';
import type { Acceptor, Gates } from './accept.js';
import { findConnection } from './connection.js';
import { type DrainOptions, useRaw } from './drain-options.js';

/**
 * The events of an HTTP/1.1 server by which a request reaches the application, each with a check of the client first.
 *
 * @param onDrain told of sockets that the application has taken over.
 */
export function httpGates(acceptor: Acceptor, onDrain?: DrainOptions['onDrain']): Gates {
  const admitRequest = (request: IncomingMessage, response: ServerResponse): boolean => {
    const refusal = acceptor.recheck(request);
    if (refusal === undefined) {
      if (findConnection(request)?.isDraining) response.setHeader('Connection', 'close');
      return true;
    }
    response.writeHead(statusOf(refusal), { Connection: 'close', 'Content-Length': 0 });
    response.end();
    return false;
  };
  const admitUpgrade = ({ socket }: IncomingMessage): boolean => {
    if (acceptor.recheck(socket) === undefined) {
      const connection = findConnection(socket);
      // Not before the application has the socket.
      if (connection !== undefined) setImmediate(useRaw, connection, onDrain);
      return true;
    }
    socket.destroy();
    return false;
  };
  return {
    request: admitRequest,
    checkContinue: admitRequest,
    checkExpectation: admitRequest,
    upgrade: admitUpgrade,
    connect: admitUpgrade,
  };
}

/** Whoever is not authorized now need not try again; others may, on a new connection (RFC 9110 section 15.5.20). */
export function statusOf({ code }: TlsError): number {
  return code === 'not_authorized' ? 403 : 421;
}
