import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { goEnvironment, requireGo } from '../../spire/support/go.js';
import { userCache } from '../../spire/support/user-cache.js';
import type { Program } from './program-judge.js';
import { installPython } from './python.js';

const GO_MODULE = fileURLToPath(new URL('../go-spiffe', import.meta.url));
const PYTHON_JUDGE = fileURLToPath(new URL('../python/judge.py', import.meta.url));

declare module 'vitest' {
  export interface ProvidedContext {
    goSpiffe: Program;
    pySpiffe: Program;
  }
}

/** Builds and installs the peers before any test, and says what it is doing. Throws when a tool is missing. */
export default async function setup(project: TestProject): Promise<void> {
  requireGo(GO_MODULE);
  mkdirSync(userCache(), { recursive: true });
  const program = userCache('go-spiffe-judge');
  console.log('Building the go-spiffe program (seconds, or a minute with an empty Go cache)');
  await run('go', ['build', '-v', '-trimpath', '-o', program, '.'], GO_MODULE, {
    ...goEnvironment(),
    GOFLAGS: '-mod=readonly',
  });
  const python = await installPython(run);
  project.provide('goSpiffe', { command: program, args: [] });
  // -I: neither the environment nor the current directory adds modules.
  project.provide('pySpiffe', { command: python, args: ['-I', '-B', '-W', 'ignore', PYTHON_JUDGE] });
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
