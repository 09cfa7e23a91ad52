import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';

const root = resolve(import.meta.dirname, '../..');

/** A program that was started, what it has written in the end, and how it ended. */
export interface RunningProgram {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly done: Promise<{ readonly code: unknown; readonly output: string }>;
}

/** What a program is given: arguments, and variables beside those of this process. */
export interface ProgramInput {
  readonly parameters?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program in TypeScript. */
export function runProgram(file: string | undefined, { parameters = [], env = {} }: ProgramInput = {}): RunningProgram {
  const child = spawn(process.execPath, ['--import', 'tsx', String(file), ...parameters], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return { child, done: once(child, 'close').then(([code]) => ({ code, output })) };
}

/** Waits until something listens on a port. Rejected when the program that should has ended. */
export async function untilListening(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const open = await new Promise<boolean>((settle) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => settle(true)).once('error', () => settle(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error('the service ended');
}
