import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/** How much of a program's output is kept for failure reports. */
const KEPT_LINES = 2_000;

const living = new Set<ChildProcess>();
const folders = new Set<string>();
let reaper: ChildProcess | undefined;

export interface ProcessOptions {
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * A program in the foreground whose output is kept in memory. It dies with this process, however that ends: an exit
 * handler kills it, and a small reaper process does so when this process is killed outright.
 */
export class ManagedProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exited: Promise<void>;

  constructor(name: string, program: string, args: readonly string[], options: ProcessOptions = {}) {
    this.name = name;
    this.#child = spawn(program, args, {
      cwd: '/',
      env: options.environment ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = superviseUntilExit(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#collect(stream);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False once the program has ended. */
  get running(): boolean {
    return living.has(this.#child);
  }

  /** The last lines of standard output and standard error, in the order of arrival. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Stops the program where it stands, or lets it go on: it keeps its sockets and answers nobody in between. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end of the program; after `graceMs` it is killed. */
  async end(signal: 'SIGTERM' | 'SIGKILL', graceMs = 10_000): Promise<void> {
    if (!this.running) return;
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #collect(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      const pieces = `${rest}${chunk}`.split('\n');
      rest = pieces.pop() ?? '';
      this.#lines.push(...pieces);
      if (this.#lines.length > KEPT_LINES) this.#lines.splice(0, this.#lines.length - KEPT_LINES);
    });
  }
}

/** Makes a child process die with this one; resolves when it has ended. */
export function superviseUntilExit(child: ChildProcess): Promise<void> {
  installHandlers();
  living.add(child);
  if (child.pid !== undefined) reaper?.stdin?.write(`+${child.pid}\n`);
  return new Promise((resolve) => {
    const ended = (): void => {
      living.delete(child);
      if (child.pid !== undefined) reaper?.stdin?.write(`-${child.pid}\n`);
      resolve();
    };
    child.once('exit', ended);
    child.once('error', ended);
  });
}

/** Makes a folder disappear with this process; the returned function removes it now. */
export function folderUntilExit(path: string): () => void {
  installHandlers();
  folders.add(path);
  reaper?.stdin?.write(`>${path}\n`);
  return () => {
    removeFolder(path);
    folders.delete(path);
    reaper?.stdin?.write(`<${path}\n`);
  };
}

function cleanUp(): void {
  for (const child of living) child.kill('SIGKILL');
  for (const path of folders) removeFolder(path);
}

function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

function installHandlers(): void {
  if (reaper !== undefined) return;
  process.on('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      cleanUp();
      process.kill(process.pid, signal);
    });
  }
  reaper = spawn(process.execPath, ['-e', REAPER], { cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
  reaper.unref();
  const input = reaper.stdin;
  input?.on('error', () => {});
  if (input !== null && 'unref' in input && typeof input.unref === 'function') input.unref();
}

/**
 * Told of processes (`+pid`, `-pid`) and folders (`>path`, `<path`). Its standard input ends when this process does, by
 * whatever means; then it kills and removes what was left behind.
 */
const REAPER = `
  const { rmSync } = require('node:fs');
  const [pids, folders] = [new Set(), new Set()];
  const act = {
    '+': (pid) => pids.add(+pid), '-': (pid) => pids.delete(+pid),
    '>': (path) => folders.add(path), '<': (path) => folders.delete(path),
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  require('node:readline').createInterface({ input: process.stdin })
    .on('line', (line) => act[line[0]](line.slice(1)))
    .on('close', () => {
      for (const pid of pids) try { process.kill(pid, 'SIGKILL'); } catch {}
      for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
      process.exit();
    });
`;
