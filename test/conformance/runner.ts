import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Where a run starts. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** svidkit as conformance/run.mjs starts it. */
export const SVIDKIT: readonly string[] = [
  process.execPath,
  '--import',
  'tsx',
  fileURLToPath(new URL('svidkit-verifier.ts', import.meta.url)),
];

/** What became of a case, in the report of conformance/run.mjs. */
export interface CaseReport {
  readonly id: string;
  readonly status: string;
  readonly detail?: string;
}

export interface Report {
  readonly exitCode: number;
  readonly all: Readonly<Record<string, number>>;
  readonly cases: readonly CaseReport[];
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs conformance/run.mjs as anybody would. */
export async function runConformance(...words: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, ['conformance/run.mjs', ...words], { cwd: ROOT });
  const chunks: { stdout: string; stderr: string } = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      chunks[name] += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...chunks };
}

/** The same, with its report read. */
export async function reportOf(...words: readonly string[]): Promise<Report & Pick<Run, 'stderr'>> {
  const { stdout, stderr } = await runConformance('--json', ...words);
  return { ...(JSON.parse(stdout) as Report), stderr };
}
