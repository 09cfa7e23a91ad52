import { join } from 'node:path';
import { buildGoProgram } from './go-programs.js';
import { OrderedProgram } from './ordered-program.js';
import { folderUntilExit } from './processes.js';
import { makeSocketFolder } from './socket-folder.js';

/** What the server serves from now on; what is left out stays as it is. Every order is sent to every open stream. */
export interface WitOrder {
  readonly svids?: readonly ServedWit[];
  /** JWKS documents by the SPIFFE ID of their trust domain. */
  readonly bundles?: Readonly<Record<string, string>>;
  /** The gRPC status that every call ends with, open ones included; 0 serves again. */
  readonly refuse?: number;
}

export interface ServedWit {
  readonly spiffeId: string;
  readonly token: string;
  /** A private key as the text of a JWK. */
  readonly key: string;
  readonly hint?: string;
}

/** How many streams were asked for since the start. */
export interface WitStreams {
  readonly svidStreams: number;
  readonly bundleStreams: number;
}

/** A Go program that serves WIT-SVIDs on the Workload API as go-spiffe's generated code has it. */
export class WitServer implements AsyncDisposable {
  readonly address: string;
  readonly #program: OrderedProgram;
  readonly #removeFolder: () => void;

  private constructor(program: string) {
    const directory = makeSocketFolder('wit-server-');
    this.#removeFolder = folderUntilExit(directory);
    const path = join(directory, 'api.sock');
    this.address = `unix://${path}`;
    this.#program = new OrderedProgram(program, ['-socket', path]);
  }

  /** Builds and starts the program; nothing is served so far, and streams stay open. */
  static async start(): Promise<WitServer> {
    const server = new WitServer(await buildGoProgram('wit-server'));
    await server.order({});
    return server;
  }

  /** Resolves when the order has been carried out. One at a time. */
  async order(order: WitOrder): Promise<WitStreams> {
    return (await this.#program.order(order)) as WitStreams;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.end();
    this.#removeFolder();
  }
}
