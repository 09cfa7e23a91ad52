import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { X509Svid } from 'svidkit/x509-svid';
import type { PemIdentity } from './mtls.js';

/** An https server on 127.0.0.1 that asks nobody for a certificate, and whose identity and answers a test can change. */
export class EndpointServer implements AsyncDisposable {
  answer: RequestListener;
  /** Connections that have finished their handshake. */
  connections = 0;
  /** What was asked for, in order. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #sockets: Set<Duplex> = new Set();

  private constructor(identity: PemIdentity, answer: RequestListener) {
    this.answer = answer;
    this.#server = createServer({ ...identity }, (request, response) => {
      this.requests.push(`${request.method} ${request.headers.host?.replace(/:\d+$/, '')} ${request.url}`);
      this.answer(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('tlsClientError', () => {});
    this.#server.on('secureConnection', () => {
      this.connections += 1;
    });
  }

  static async start(identity: PemIdentity, answer: RequestListener): Promise<EndpointServer> {
    const server = new EndpointServer(identity, answer);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/', host = '127.0.0.1'): string {
    return `https://${host}:${this.port}${path}`;
  }

  /** Presents another identity from the next connection on. */
  present(identity: PemIdentity): void {
    this.#server.setSecureContext({ ...identity });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** What Node wants to present an SVID. */
export function pemOf(svid: X509Svid): PemIdentity {
  return { key: svid.privateKeyPkcs8Pem(), cert: svid.certificatesPem() };
}
