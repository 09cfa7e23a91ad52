import { spawn } from 'node:child_process';
import type { InteropCase, Opinion } from './case.js';

/** A program of another implementation that reads cases from its standard input and writes opinions to its output. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

const LIMIT_MS = 120_000;

/** Has every case judged in one run of the program, so that all tokens are judged within moments of being made. */
export async function judgeWithProgram(program: Program, cases: readonly InteropCase[]): Promise<Opinion[]> {
  return askProgram<Opinion>(program, cases);
}

/** Has a program answer each of the questions, in one run and in their order. */
export async function askProgram<A extends { readonly name: string }>(
  program: Program,
  cases: readonly { readonly name: string }[],
): Promise<A[]> {
  const child = spawn(program.command, program.args, {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program.command} ended with ${code ?? signal} instead of giving its answers`));
    });
  });
  // A program that dies early closes its input; what it ended with says more than the failed write.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(cases));
  await ended;
  const answers = JSON.parse(Buffer.concat(chunks).toString('utf8')) as A[];
  if (answers.length !== cases.length || answers.some(({ name }, index) => name !== cases[index]?.name)) {
    throw new Error(`${program.command} did not answer every question in order`);
  }
  return answers;
}
