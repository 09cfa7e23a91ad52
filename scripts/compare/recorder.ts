import { once } from 'node:events';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { now, Sightings } from './sightings.js';

/** As PEM. */
export interface Identity {
  readonly certificates: string;
  readonly privateKey: string;
}

interface Presented {
  readonly serial: bigint;
  readonly at: number;
}

/** The connections of one client, in the order in which their handshakes were done. */
export class Connections {
  readonly sightings: Sightings = new Sightings();
  readonly #all: Presented[] = [];

  get count(): number {
    return this.#all.length;
  }

  /** How many of them came later than `at` and presented one of these. */
  countOf(serials: ReadonlySet<bigint>, at: number): number {
    return this.#all.filter((each) => each.at > at && serials.has(each.serial)).length;
  }

  add(presented: Presented): void {
    this.#all.push(presented);
    this.sightings.add(presented.serial, presented.at);
  }
}

/**
 * TLS servers of Node alone, one for each client so that it is known by its port. They let in whoever presents a certificate
 * under the bundle, note its serial number, send one line and hang up.
 */
export class Recorder implements AsyncDisposable {
  readonly #identity: Identity;
  readonly #servers: Server[] = [];
  #bundle: string;

  /** @param bundle as PEM. */
  constructor(identity: Identity, bundle: string) {
    this.#identity = identity;
    this.#bundle = bundle;
  }

  /** A server on 127.0.0.1, and what will be known of its client. */
  async listen(): Promise<{ readonly port: number; readonly connections: Connections }> {
    const connections = new Connections();
    const server = createServer({ ...this.#trusting(), requestCert: true, rejectUnauthorized: true, noDelay: true });
    server.on('secureConnection', (socket) => receive(socket, connections));
    this.#servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the recorder has no port');
    return { port: address.port, connections };
  }

  /** Trusts this bundle from the next connection on. */
  trust(bundle: string): void {
    this.#bundle = bundle;
    for (const server of this.#servers) server.setSecureContext(this.#trusting());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => once(server.close(), 'close')));
  }

  #trusting(): { readonly cert: string; readonly key: string; readonly ca: string } {
    return { cert: this.#identity.certificates, key: this.#identity.privateKey, ca: this.#bundle };
  }
}

function receive(socket: TLSSocket, connections: Connections): void {
  const at = now();
  socket.on('error', () => socket.destroy());
  const serial = socket.getPeerX509Certificate()?.serialNumber;
  if (serial === undefined) throw new Error('a client without a certificate came in');
  connections.add({ serial: BigInt(`0x${serial}`), at });
  socket.end('seen\n');
}
