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
      else reject(new Error(`${program.command} ended with ${code ?? signal} instead of giving its verdicts`));
    });
  });
  // A program that dies early closes its input; what it ended with says more than the failed write.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(cases));
  await ended;
  const opinions = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Opinion[];
  if (opinions.length !== cases.length || opinions.some(({ name }, index) => name !== cases[index]?.name)) {
    throw new Error(`${program.command} did not judge every case in order`);
  }
  return opinions;
}
