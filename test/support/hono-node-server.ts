import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createRequire } from 'node:module';

/** What of `@hono/node-server` is used; its own types need those of a browser, which this project does not load. */
interface HonoNodeServer {
  getRequestListener(
    fetch: HonoFetch,
  ): (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void;
  /** The server is what `createServer` gives, by default one of `node:http`. */
  createAdaptorServer<S = HttpServer>(options: {
    readonly fetch: HonoFetch;
    readonly createServer?: (...given: never[]) => S;
    readonly serverOptions?: object;
  }): S;
}

type HonoFetch = (request: Request, environment: never) => Response | Promise<Response>;

const require = createRequire(import.meta.url);

export const { createAdaptorServer, getRequestListener }: HonoNodeServer = require('@hono/node-server');
