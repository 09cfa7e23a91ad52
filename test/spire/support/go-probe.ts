import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { requireGo } from './go.js';
import { buildGoProgram, GO_SPIFFE_MODULE } from './go-programs.js';
import { superviseUntilExit } from './processes.js';

/** What go-spiffe thinks of one kind of credential. */
interface ProbeCheck {
  readonly ok: boolean;
  readonly error?: string;
  /** Name of the gRPC status, when the endpoint refused. */
  readonly status?: string;
  readonly id?: string;
  readonly hint?: string;
  /** Differs from one issuance to the next. */
  readonly version?: string;
  /** Authorities in the bundle of the trust domain. */
  readonly authorities?: number;
  readonly count?: number;
}

export interface ProbeVerdict {
  readonly round: number;
  readonly x509: ProbeCheck;
  readonly jwt: ProbeCheck;
  readonly wit: ProbeCheck;
}

export interface ProbeOptions {
  /** Verdicts to give. Each but the first comes after a rotation. Default 1. */
  readonly rounds?: number;
  /** Whether a rotation is one of WIT-SVIDs too. Default true. */
  readonly wit?: boolean;
}

/**
 * Checks that the Go program can be built.
 *
 * @throws Error that says what to install.
 */
export function requireProbeTools(): void {
  requireGo(GO_SPIFFE_MODULE);
}

/** Builds the Go program: half a minute the first time, next to nothing when it is in Go's build cache. */
export function buildProbe(): Promise<string> {
  return buildGoProgram('probe');
}

/** Runs the Go program against an endpoint; gives one verdict after the other. */
export async function* probe(
  program: string,
  address: string,
  options: ProbeOptions = {},
): AsyncGenerator<ProbeVerdict> {
  const { rounds = 1, wit = true } = options;
  const child = spawn(program, ['-socket', address, '-rounds', String(rounds), `-wit=${wit}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = superviseUntilExit(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as ProbeVerdict;
    await exited;
    if (child.exitCode !== 0) throw new Error(`the Go program ended with ${child.exitCode}: ${errors}`);
  } finally {
    child.kill('SIGKILL');
  }
}
