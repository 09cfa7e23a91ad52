import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { superviseUntilExit } from '../../test/spire/support/processes.js';

/** A program that prints what its source gives. */
export interface Program {
  readonly name: string;
  readonly command: string;
  /** The address of the endpoint comes after them. */
  readonly args: readonly string[];
}

interface Sighting {
  readonly serial: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
}

/** One client library in a process of its own. */
export class Contestant {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #seen = new Map<bigint, number>();
  #newest: bigint | undefined;
  #errors = '';
  #ended = false;

  constructor(program: Program, address: string) {
    this.name = program.name;
    const child = spawn(program.command, [...program.args, address], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#exited = superviseUntilExit(child).then(() => {
      this.#ended = true;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-2_000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { serial, at } = JSON.parse(line) as Sighting;
      this.#newest = BigInt(`0x${serial}`);
      this.#seen.set(this.#newest, at);
    });
  }

  /** The serial number of the SVID that the source has now. */
  get newest(): bigint | undefined {
    return this.#newest;
  }

  /** When the source gave an SVID first, in milliseconds since the epoch. */
  sawAt(serial: bigint): number | undefined {
    return this.#seen.get(serial);
  }

  /** Why the program has ended; `undefined` while it runs. */
  get failure(): string | undefined {
    return this.#ended ? (this.#errors.trim().split('\n').at(-1) ?? 'ended without a word') : undefined;
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
