import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Server, TLSSocket } from 'node:tls';
import Fastify from 'fastify';
import { createHttp2Server, getPeer } from 'svidkit/tls';
import { counting } from './servers.js';
import { describeCaller, type TlsServer } from './speech.js';

function answer(request: Http2ServerRequest | IncomingMessage): string {
  return JSON.stringify(describeCaller(getPeer(request), request.socket as TLSSocket));
}

function http2Server(name: string, allowHTTP1: boolean): TlsServer {
  return {
    name,
    protocols: allowHTTP1 ? ['HTTP/2', 'HTTP/1.1'] : ['HTTP/2'],
    alpn: ['h2'],
    listen: (options) =>
      counting((answered) =>
        createHttp2Server(
          options,
          (request, response) => {
            answered();
            response.end(answer(request));
          },
          { allowHTTP1 },
        ),
      ),
  };
}

export const strictHttp2Server: TlsServer = http2Server('http2', false);
export const mixedHttp2Server: TlsServer = http2Server('http2 allowHTTP1', true);

export const fastifyHttp2Server: TlsServer = {
  name: 'Fastify 5 on http2',
  protocols: ['HTTP/2'],
  alpn: ['h2'],
  listen: (options) =>
    counting(async (answered) => {
      const serverFactory = (handler: (...args: never[]) => void): HttpServer =>
        createHttp2Server(options, handler as never) as unknown as HttpServer;
      const app = Fastify({ serverFactory });
      app.get('/', async ({ raw }) => {
        answered();
        return answer(raw);
      });
      await app.ready();
      return app.server as unknown as Server;
    }),
};
