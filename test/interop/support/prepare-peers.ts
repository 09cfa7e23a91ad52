import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { goEnvironment, requireGo } from '../../spire/support/go.js';
import { userCache } from '../../spire/support/user-cache.js';
import type { Program } from './program-judge.js';
import { installPython, requirePython } from './python.js';

const GO_MODULE = fileURLToPath(new URL('../go-spiffe', import.meta.url));
const PYTHON_JUDGE = fileURLToPath(new URL('../python/judge.py', import.meta.url));

declare module 'vitest' {
  export interface ProvidedContext {
    goSpiffe: Program;
    pySpiffe: Program;
  }
}

/** Builds and installs the peers before any test, and says what it is doing. */
export default async function setup(project: TestProject): Promise<void> {
  const python = requireTools();
  mkdirSync(userCache(), { recursive: true });
  const program = userCache('go-spiffe-judge');
  console.log('Building the go-spiffe program (seconds, or a minute with an empty Go cache)');
  const environment = { ...goEnvironment(), GOFLAGS: '-mod=readonly' };
  await run('go', ['build', '-v', '-trimpath', '-o', program, '.'], GO_MODULE, environment);
  const interpreter = await installPython(python, run);
  project.provide('goSpiffe', { command: program, args: [] });
  // -I: neither the environment nor the current directory adds modules. Warnings about weak keys are not verdicts.
  project.provide('pySpiffe', { command: interpreter, args: ['-I', '-B', '-W', 'ignore', PYTHON_JUDGE] });
}

/** Gives the version of Python, or ends the run with the sentence that helps instead of a stack. */
function requireTools(): string {
  try {
    requireGo(GO_MODULE);
    return requirePython();
  } catch (error) {
    console.error(`test:interop cannot start: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}

/** Runs a command with its output visible. */
async function run(
  command: string,
  args: readonly string[],
  directory: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { cwd: directory, env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`\`${command} ${args.join(' ')}\` ended with ${code ?? signal}`));
    });
  });
}
