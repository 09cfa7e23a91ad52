import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { superviseUntilExit } from '../../test/spire/support/processes.js';
import type { Connections } from './recorder.js';
import { Sightings } from './sightings.js';

/** A program that keeps connecting, and prints what its source gives and which connections failed. */
export interface Program {
  readonly name: string;
  readonly command: string;
  /** The address of the endpoint, the port, the server's SPIFFE ID and the interval come after them. */
  readonly args: readonly string[];
}

type Line = { readonly serial: string; readonly at: number } | { readonly failed: string };

/** One client library in a process of its own. */
export class Contestant {
  readonly name: string;
  /** What its source gave, by its own clock. */
  readonly source: Sightings = new Sightings();
  /** What the recorder saw of it. */
  readonly connections: Connections;
  /** Why, of each connection that failed. */
  readonly failedConnections: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #errors = '';
  #ended = false;

  constructor(program: Program, args: readonly string[], connections: Connections) {
    this.name = program.name;
    this.connections = connections;
    const child = spawn(program.command, [...program.args, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#exited = superviseUntilExit(child).then(() => {
      this.#ended = true;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-2_000);
    });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      if ('failed' in line) this.failedConnections.push(line.failed);
      else this.source.add(BigInt(`0x${line.serial}`), line.at);
    });
  }

  /** Why the program has ended; `undefined` while it runs. */
  get failure(): string | undefined {
    return this.#ended ? this.#errors.trim().split('\n').at(-1) || 'ended without a word' : undefined;
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
