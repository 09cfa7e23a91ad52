import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { superviseUntilExit } from './processes.js';

/** A program that takes orders as lines of JSON on its standard input and answers each with one on its output. */
export class OrderedProgram {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #answers: AsyncIterator<string>;
  #errors = '';

  constructor(program: string, args: readonly string[]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#exited = superviseUntilExit(child);
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#errors += chunk;
    });
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#child = child;
  }

  /** Resolves when the order has been carried out. One at a time. */
  order(order: unknown): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return this.answer();
  }

  /** The next line of output. */
  async answer(): Promise<unknown> {
    const answer = await this.#answers.next();
    if (answer.done) throw new Error(`the program has ended: ${this.#errors}`);
    return JSON.parse(answer.value);
  }

  async end(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}
