import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import {
  type Caller,
  type CallerHandler,
  getCaller,
  type ProofMechanism,
  type RequestAuthenticator,
  requireCaller,
  requireCallerExpress,
  requireCallerFastify,
  requireCallerFetch,
  requireCallerHono,
} from 'svidkit/http';
import type { WitSvidSource } from 'svidkit/wit';
import { onTestFinished } from 'vitest';
import { listen } from './connections.js';
import { createAdaptorServer, getRequestListener } from './hono-node-server.js';
import { serverCertificate } from './server-certificate.js';

export interface FrameworkOptions {
  readonly authenticate: RequestAuthenticator<ProofMechanism>;
  readonly onRefused: (error: unknown) => void;
  /** Called by the handler of every request that comes through. */
  readonly onHandled: (caller: string, found: Caller<ProofMechanism>) => void;
  readonly sign?: WitSvidSource;
  readonly maxSignedBytes?: number;
  readonly clock?: () => number;
  /** Reads the body before authentication comes to it. */
  readonly readsBefore?: boolean;
}

/**
 * Serves `/orders`, and `/orders/size` below a mount point where there is one: caller and size of the body, with status
 * 201 and a `Content-Type`; in a hundred pieces to `?pieces`.
 */
type Serve = (options: FrameworkOptions) => Promise<number>;

export const HTTP1: Readonly<Record<string, Serve>> = {
  'node:http': (options) => listen(createServer(plain<IncomingMessage, ServerResponse>(options))),
  'Express 5': (options) => listen(createServer(expressApp(options))),
  'Fastify 5': (options) => serveFastify(Fastify(), options),
  Hono: (options) => listen(createAdaptorServer({ fetch: hono(options).fetch })),
};

export const HTTP2: Readonly<Record<string, Serve>> = {
  'node:http2': (options) =>
    listen(createHttp2Server(plain<Http2ServerRequest, Http2ServerResponse>(options)) as unknown as Server),
  'Fastify 5 over HTTP/2': (options) => serveFastify(Fastify({ http2: true }) as unknown as FastifyInstance, options),
  'Hono over HTTP/2': (options) =>
    listen(createAdaptorServer({ fetch: hono(options).fetch, createServer: createHttp2Server })),
};

/** Over TLS, with HTTP/1.1 for clients that want it. */
export const HTTP2_TLS: Readonly<Record<string, Serve>> = {
  'node:http2 over TLS': async (options) => {
    const tls = { ...(await serverCertificate()), allowHTTP1: true };
    return listen(createSecureServer(tls, plain(options)) as unknown as Server);
  },
  'Fastify 5 over HTTP/2 and TLS': async (options) => {
    const https = { ...(await serverCertificate()), allowHTTP1: true };
    return serveFastify(Fastify({ http2: true, https }) as unknown as FastifyInstance, options);
  },
  'Hono over HTTP/2 and TLS': async (options) => {
    const serverOptions = { ...(await serverCertificate()), allowHTTP1: true };
    const { fetch } = hono(options);
    return listen(createAdaptorServer({ fetch, createServer: createSecureServer, serverOptions }));
  },
};

/** On a server that the test makes, over mutual TLS for one. */
export const ON_A_SERVER: Readonly<
  Record<string, (options: FrameworkOptions, create: (listener: RequestListener) => Server) => Promise<number>>
> = {
  'node:http': (options, create) => listen(create(plain<IncomingMessage, ServerResponse>(options))),
  'Express 5': (options, create) => listen(create(expressApp(options))),
  'Fastify 5': (options, create) => serveFastify(Fastify({ serverFactory: (handler) => create(handler) }), options),
  Hono: (options, create) =>
    listen(
      createAdaptorServer({
        fetch: hono(options).fetch,
        createServer: (_: object, handler: RequestListener) => create(handler),
      }),
    ),
  requireCallerFetch: (options, create) => listen(create(getRequestListener(fetchHandler(options)))),
};

const text = ({ id }: Caller<ProofMechanism>, size: number): string => `${id} ${size}`;
const isPieced = (url: string | undefined): boolean => url?.endsWith('?pieces') === true;

function plain<
  Request extends IncomingMessage | Http2ServerRequest,
  Response extends ServerResponse | Http2ServerResponse,
>(options: FrameworkOptions): (request: Request, response: Response) => Promise<void> {
  const { authenticate, onHandled, readsBefore = false } = options;
  const handler: CallerHandler<ProofMechanism, Request, Response> = async (request, response, caller) => {
    const size = caller.body?.bytes.length ?? (await buffer(request)).length;
    onHandled(`${caller.id}`, caller);
    answerOn(response as unknown as ServerResponse, text(caller, size), isPieced(request.url));
  };
  const listener = requireCaller(authenticate, handler, options);
  return async (request, response) => {
    if (readsBefore) await buffer(request);
    // Where nothing stands before the handler there is no caller.
    if (request.url === '/open') (response as ServerResponse).writeHead(500).end();
    else await listener(request, response);
  };
}

function answerOn(response: ServerResponse, answer: string, pieces: boolean): void {
  response.writeHead(201, { 'Content-Type': 'text/plain' });
  if (pieces) for (let count = 0; count < 100; count += 1) response.write(`${count} `);
  response.end(answer);
}

function expressApp(options: FrameworkOptions): RequestListener {
  const { authenticate, onHandled, readsBefore = false } = options;
  const orders = express.Router();
  if (readsBefore) orders.use(express.text({ type: () => true }));
  orders.use(requireCallerExpress(authenticate, options));
  orders.use(express.json());
  orders.all(['/', '/size'], async (request, response) => {
    const caller = getCaller(request);
    const size = caller.body?.bytes.length ?? (await buffer(request)).length;
    onHandled(`${caller.id}`, caller);
    answerOn(response, text(caller, size), isPieced(request.originalUrl));
  });
  const app = express().use('/orders', orders);
  app.get('/open', (request, response) => void response.send(`${getCaller(request).id}`));
  return app;
}

async function serveFastify(app: FastifyInstance, options: FrameworkOptions): Promise<number> {
  const { authenticate, onHandled, readsBefore = false } = options;
  app.get('/open', async (request) => `${getCaller(request).id}`);
  await app.register(async (orders) => {
    if (readsBefore) orders.addHook('preParsing', async (request) => void (await buffer(request.raw)));
    orders.addHook('preParsing', requireCallerFastify(authenticate, options));
    orders.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
    for (const url of ['/orders', '/orders/size']) {
      orders.all(url, async (request, reply) => {
        const caller = getCaller(request);
        onHandled(`${caller.id}`, caller);
        const { body = '' } = request;
        // JSON was parsed by Fastify's own parser.
        const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body === '' ? '' : JSON.stringify(body));
        const answer = text(caller, bytes.length);
        reply.code(201).type('text/plain');
        if (!isPieced(request.url)) return answer;
        return `${Array.from({ length: 100 }, (_, count) => `${count} `).join('')}${answer}`;
      });
    }
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  return (app.server.address() as AddressInfo).port;
}

/** The same application without a server, for `Request`s. */
export function hono(options: FrameworkOptions): Hono {
  const { authenticate, onHandled, readsBefore = false } = options;
  const app = new Hono();
  app.onError((error, context) => context.text(error.name, 500));
  if (readsBefore) {
    app.use(async (context, next) => {
      await context.req.text();
      await next();
    });
  }
  app.use('/orders/*', requireCallerHono(authenticate, options));
  app.on(['GET', 'POST'], ['/orders', '/orders/size'], async (context) => {
    const caller = getCaller(context);
    onHandled(`${caller.id}`, caller);
    const answer = text(getCaller(context.req), (await context.req.arrayBuffer()).byteLength);
    const pieces = isPieced(context.req.url) ? Array.from({ length: 100 }, (_, count) => `${count} `) : [];
    return context.text(pieces.join('') + answer, 201);
  });
  app.get('/open', (context) => context.text(`${getCaller(context).id}`));
  return app;
}

/** A handler of `Request`s without any framework. */
export function fetchHandler(options: FrameworkOptions): (request: Request) => Promise<Response> {
  const { authenticate, onHandled } = options;
  return requireCallerFetch(
    authenticate,
    async (request, caller) => {
      onHandled(`${caller.id}`, caller);
      const headers = { 'Content-Type': 'text/plain' };
      return new Response(text(caller, (await request.arrayBuffer()).byteLength), { status: 201, headers });
    },
    options,
  );
}
