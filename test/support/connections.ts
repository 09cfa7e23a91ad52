import { type EventEmitter, once } from 'node:events';
import type { ClientRequest, Server as HttpServer, IncomingMessage } from 'node:http';
import { type Agent, type Server as HttpsServer, request } from 'node:https';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';

/** Listens on a free port of the loopback interface until the test is over, and gives the port. */
export async function listen(server: HttpServer | HttpsServer | NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  onTestFinished(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly reused: boolean;
  readonly socket: Socket;
}

export interface CallOptions {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
}

/** Makes one request over an agent and reads the answer to its end; by then the agent has its connection back. */
export async function call(agent: Agent, port: number, options: CallOptions = {}): Promise<Answer> {
  const outgoing: ClientRequest = request({ host: '127.0.0.1', port, agent, ...options });
  outgoing.end();
  const closed = closeOf(outgoing);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { socket } = incoming;
  incoming.setEncoding('utf8');
  let body = '';
  for await (const chunk of incoming) body += chunk;
  await closed;
  const reused = outgoing.reusedSocket;
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body, reused, socket };
}

/** A TLS connection as any client can make one, with no verification of its own. */
export async function rawConnect(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** Writes to a server over a TLS connection of Node's own, and gives what comes back until the connection ends. */
export function rawExchange(port: number, options: ConnectionOptions, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  onTestFinished(() => void socket.destroy());
  socket.write(text);
  return readToEnd(socket);
}

/** Is fulfilled when something closes, whichever way; `once` is rejected by an error that comes before. */
export function closeOf(closing: EventEmitter): Promise<void> {
  return new Promise((resolve) => closing.once('close', () => resolve()));
}

/** Everything a socket receives until it is closed, whichever way. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  if (!socket.closed) await closeOf(socket);
  return text;
}
