import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import {
  getCaller,
  type RequestAuthenticator,
  requireCallerExpress,
  requireCallerFastify,
  requireCallerHono,
} from 'svidkit/http';
import { onTestFinished } from 'vitest';
import { listen } from './connections.js';

/** What of `@hono/node-server` is used; its own types need those of a browser, which this project does not load. */
interface HonoNodeServer {
  createAdaptorServer(options: { fetch: Hono['fetch']; createServer?: typeof createHttp2Server }): unknown;
}

const require = createRequire(import.meta.url);
const { createAdaptorServer } = require('@hono/node-server') as HonoNodeServer;

export interface FrameworkOptions {
  readonly authenticate: RequestAuthenticator;
  readonly onRefused: (error: unknown) => void;
  /** Called by the handler of every request that comes through. */
  readonly onHandled: (caller: string) => void;
}

/** Serves `/orders`, and `/orders/size` below a mount point where there is one: caller and size of the body. */
type Serve = (options: FrameworkOptions) => Promise<number>;

export const HTTP1: Readonly<Record<string, Serve>> = {
  'Express 5': serveExpress,
  'Fastify 5': (options) => serveFastify(Fastify(), options),
  Hono: (options) => listen(createAdaptorServer({ fetch: hono(options).fetch }) as Server),
};

export const HTTP2: Readonly<Record<string, Serve>> = {
  'Fastify 5 over HTTP/2': (options) => serveFastify(Fastify({ http2: true }) as unknown as FastifyInstance, options),
  'Hono over HTTP/2': (options) =>
    listenHttp2(createAdaptorServer({ fetch: hono(options).fetch, createServer: createHttp2Server }) as Http2Server),
};

function serveExpress({ authenticate, onRefused, onHandled }: FrameworkOptions): Promise<number> {
  const orders = express.Router();
  orders.use(requireCallerExpress(authenticate, { onRefused }));
  orders.all(['/', '/size'], async (request, response) => {
    let size = 0;
    for await (const chunk of request) size += chunk.length;
    const { id } = getCaller(request);
    onHandled(`${id}`);
    response.send(`${id} ${size}`);
  });
  const app = express().use('/orders', orders);
  app.get('/open', (request, response) => void response.send(`${getCaller(request).id}`));
  return listen(createServer(app));
}

async function serveFastify(app: FastifyInstance, options: FrameworkOptions): Promise<number> {
  const { authenticate, onRefused, onHandled } = options;
  app.get('/open', async (request) => `${getCaller(request).id}`);
  await app.register(async (orders) => {
    orders.addHook('preParsing', requireCallerFastify(authenticate, { onRefused }));
    orders.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
    for (const url of ['/orders', '/orders/size']) {
      orders.all(url, async (request) => {
        const { id } = getCaller(request);
        onHandled(`${id}`);
        return `${id} ${(request.body as Buffer | undefined)?.length ?? 0}`;
      });
    }
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  return (app.server.address() as AddressInfo).port;
}

/** The same application without a server, for `Request`s. */
export function hono({ authenticate, onRefused, onHandled }: FrameworkOptions): Hono {
  const app = new Hono();
  app.onError((error, context) => context.text(error.name, 500));
  app.use('/orders/*', requireCallerHono(authenticate, { onRefused }));
  app.on(['GET', 'POST'], ['/orders', '/orders/size'], async (context) => {
    const { id } = getCaller(context);
    onHandled(`${id}`);
    return context.text(`${getCaller(context.req).id} ${(await context.req.arrayBuffer()).byteLength}`);
  });
  app.get('/open', (context) => context.text(`${getCaller(context).id}`));
  return app;
}

async function listenHttp2(server: Http2Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => open.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
