import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import { createHttp2Server, createHttpsServer, getPeer, type MtlsServerOptions } from 'svidkit/tls';
import { onTestFinished } from 'vitest';
import { listen } from './connections.js';
import { createAdaptorServer, getRequestListener } from './hono-node-server.js';

type Incoming = IncomingMessage | Http2ServerRequest;

/** An application that answers every request with the caller and the body, and calls back first. */
type Serve = (options: MtlsServerOptions, onHandled: () => void) => Promise<number>;

export const OVER_HTTPS: Readonly<Record<string, Serve>> = {
  'Express 5': (options, onHandled) => {
    const app = express().use(express.text());
    app.post('/', (request, response) => {
      onHandled();
      response.send(`${getPeer(request).id} ${request.body}`);
    });
    return listen(createHttpsServer(options, app));
  },
  'Fastify 5': (options, onHandled) =>
    serveFastify(
      Fastify({ serverFactory: (handler) => createHttpsServer(options, handler) as unknown as HttpServer }),
      onHandled,
    ),
  Hono: (options, onHandled) =>
    listen(
      createAdaptorServer({
        fetch: hono(onHandled).fetch,
        createServer: (_, handler) => createHttpsServer(options, handler),
      }),
    ),
  'Hono by its listener': (options, onHandled) =>
    listen(createHttpsServer(options, getRequestListener(hono(onHandled).fetch))),
};

export const OVER_HTTP2: Readonly<Record<string, Serve>> = {
  'Fastify 5': (options, onHandled) => {
    const serverFactory = (handler: (request: Http2ServerRequest, response: Http2ServerResponse) => void) =>
      createHttp2Server(options, handler);
    const app = Fastify<Http2SecureServer>({ http2: true, serverFactory } as never);
    return serveFastify(app as unknown as FastifyInstance, onHandled);
  },
  Hono: (options, onHandled) =>
    listen(
      createAdaptorServer({
        fetch: hono(onHandled).fetch,
        createServer: (_, handler) => createHttp2Server(options, handler),
      }),
    ),
  'Hono by its listener': (options, onHandled) =>
    listen(createHttp2Server(options, getRequestListener(hono(onHandled).fetch))),
};

async function serveFastify(app: FastifyInstance, onHandled: () => void): Promise<number> {
  app.post('/', async ({ raw, body }) => {
    onHandled();
    return `${getPeer(raw).id} ${body}`;
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  return (app.server.address() as AddressInfo).port;
}

function hono(onHandled: () => void): Hono {
  const app = new Hono<{ Bindings: { incoming: Incoming } }>();
  app.post('/', async (context) => {
    onHandled();
    return context.text(`${getPeer(context.env.incoming).id} ${await context.req.text()}`);
  });
  return app as unknown as Hono;
}
