import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildGoProgram } from './go-programs.js';
import { folderUntilExit, superviseUntilExit } from './processes.js';

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
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #answers: AsyncIterator<string>;
  readonly #removeFolder: () => void;
  #errors = '';

  private constructor(program: string) {
    const directory = mkdtempSync(join(tmpdir(), 'wit-server-'));
    this.#removeFolder = folderUntilExit(directory);
    const path = join(directory, 'api.sock');
    this.address = `unix://${path}`;
    const child = spawn(program, ['-socket', path], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#exited = superviseUntilExit(child);
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#errors += chunk;
    });
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#child = child;
  }

  /** Builds and starts the program; nothing is served so far, and streams stay open. */
  static async start(): Promise<WitServer> {
    const server = new WitServer(await buildGoProgram('wit-server'));
    await server.order({});
    return server;
  }

  /** Resolves when the order has been carried out. One at a time. */
  async order(order: WitOrder): Promise<WitStreams> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    const answer = await this.#answers.next();
    if (answer.done) throw new Error(`the WIT server has ended: ${this.#errors}`);
    return JSON.parse(answer.value) as WitStreams;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
    this.#removeFolder();
  }
}
