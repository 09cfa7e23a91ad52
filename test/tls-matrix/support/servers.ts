import { once } from 'node:events';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { createHttpsServer, getPeer } from 'svidkit/tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { createAdaptorServer } from '../../support/hono-node-server.js';
import { describeCaller, type Listening, type TlsServer } from './speech.js';

type Answered = () => void;

function answer(request: IncomingMessage): string {
  return JSON.stringify(describeCaller(getPeer(request), request.socket as TLSSocket));
}

export const httpsServer: TlsServer = {
  name: 'https',
  protocols: ['HTTP/1.1'],
  listen: (options) =>
    counting((answered) =>
      createHttpsServer(options, (request, response) => {
        answered();
        response.end(answer(request));
      }),
    ),
};

export const fastifyServer: TlsServer = {
  name: 'Fastify 5',
  protocols: ['HTTP/1.1'],
  listen: (options) =>
    counting(async (answered) => {
      const app = Fastify({ serverFactory: (handler) => createHttpsServer(options, handler) as unknown as HttpServer });
      app.get('/', async ({ raw }) => {
        answered();
        return answer(raw);
      });
      await app.ready();
      return app.server as unknown as Server;
    }),
};

export const expressServer: TlsServer = {
  name: 'Express 5',
  protocols: ['HTTP/1.1'],
  listen: (options) =>
    counting((answered) => {
      const app = express();
      app.get('/', (request, response) => {
        answered();
        response.end(answer(request));
      });
      return createHttpsServer(options, app);
    }),
};

export const honoServer: TlsServer = {
  name: 'Hono 4',
  protocols: ['HTTP/1.1'],
  listen: (options) =>
    counting((answered) => {
      const app = new Hono<{ Bindings: { incoming: IncomingMessage } }>();
      app.get('/', (context) => {
        answered();
        return context.text(answer(context.env.incoming));
      });
      return createAdaptorServer({
        fetch: app.fetch,
        createServer: (serverOptions, handler) => createHttpsServer(options, handler, serverOptions),
      });
    }),
};

/** Says `bye` on a WebSocket that is to be left. */
export const wsServer: TlsServer = {
  name: 'ws on https',
  protocols: ['WebSocket'],
  listen: (options) =>
    counting((answered) => {
      const open = new WeakMap<object, WebSocket>();
      const server = createHttpsServer({ ...options, onDrain: (socket) => open.get(socket)?.send('bye') });
      new WebSocketServer({ server }).on('connection', (webSocket, request) => {
        open.set(request.socket, webSocket);
        webSocket.on('error', () => undefined);
        webSocket.on('message', () => {
          answered();
          webSocket.send(answer(request));
        });
      });
      return server;
    }),
};

/** Listens on a free port of the loopback interface; everything ends with the server. */
export async function counting(create: (answered: Answered) => Server | Promise<Server>): Promise<Listening> {
  let count = 0;
  const server = await create(() => {
    count += 1;
  });
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    answered: () => count,
    issueTickets: (identity) => server.setSecureContext(identity),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
