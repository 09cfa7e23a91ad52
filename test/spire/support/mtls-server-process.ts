import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { superviseUntilExit } from './processes.js';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));

export interface MtlsServerOptions {
  /** Of the workload socket. */
  readonly address: string;
  /** The user to run as. */
  readonly uid: number;
  /** The only identity that is let in. */
  readonly callerId: string;
}

export interface MtlsServer extends AsyncDisposable {
  /** What the server presents. */
  readonly id: string;
  readonly port: number;
  /** Of a server that lets in somebody else only. */
  readonly closedPort: number;
  /** Whether the server was denied its own identity at some time between two instants, as it said so far. */
  wasDenied(from: number, until: number): boolean;
}

interface Denial {
  readonly deniedFrom: number;
  readonly deniedUntil: number;
}

/** Runs mtls-server.ts in a process of another user. */
export async function startMtlsServer(options: MtlsServerOptions): Promise<MtlsServer> {
  const program = fileURLToPath(new URL('./mtls-server.ts', import.meta.url));
  const child = fork(program, [options.address, String(options.uid), options.callerId], {
    cwd: CHECKOUT,
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const exited = superviseUntilExit(child);
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  const announced = new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    void exited.then(() => reject(new Error(`the mTLS server ended early:\n${output}`)));
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const message = await announced;
  clearTimeout(timer);
  if (!isAnnouncement(message)) throw new Error('the mTLS server announced something unexpected');
  const denials: Denial[] = [];
  child.on('message', (later) => isDenial(later) && denials.push(later));
  const wasDenied = (from: number, until: number): boolean =>
    denials.some(({ deniedFrom, deniedUntil }) => deniedFrom <= until && from <= deniedUntil);
  return { ...message, wasDenied, [Symbol.asyncDispose]: end };
}

function isDenial(value: unknown): value is Denial {
  return typeof value === 'object' && value !== null && 'deniedFrom' in value && 'deniedUntil' in value;
}

function isAnnouncement(value: unknown): value is Pick<MtlsServer, 'id' | 'port' | 'closedPort'> {
  if (typeof value !== 'object' || value === null) return false;
  return 'id' in value && 'port' in value && 'closedPort' in value;
}
