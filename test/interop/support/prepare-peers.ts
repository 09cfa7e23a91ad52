import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { goEnvironment, requireGo } from '../../spire/support/go.js';
import { userCache } from '../../spire/support/user-cache.js';
import type { Program } from './program-judge.js';
import { installPython, requirePython } from './python.js';

const FOLDERS = {
  goSpiffe: folder('go-spiffe'),
  goSignatures: folder('go-signatures'),
  pySpiffe: folder('python'),
  pySignatures: folder('python-signatures'),
};

/** Of conformance/. */
export type Suite = 'wit' | 'wpt' | 'http-signature';

declare module 'vitest' {
  export interface ProvidedContext {
    goSpiffe: Program;
    pySpiffe: Program;
    /** go-jose and httpsign. */
    goSignatures: Program;
    /** PyJWT and http-message-signatures. */
    pySignatures: Program;
    /** Verifiers for conformance/run.mjs on those two packages, by suite. */
    pyVerifiers: Readonly<Record<Suite, Program>>;
  }
}

/** Builds and installs the peers before any test, and says what it is doing. */
export default async function setup(project: TestProject): Promise<void> {
  const python = requireTools();
  mkdirSync(userCache(), { recursive: true });
  project.provide('goSpiffe', await goProgram('go-spiffe', FOLDERS.goSpiffe));
  project.provide('goSignatures', await goProgram('go-signatures', FOLDERS.goSignatures));
  const pySpiffe = await installPython('python', 'spiffe', python, run);
  project.provide('pySpiffe', pythonProgram(pySpiffe, `${FOLDERS.pySpiffe}/judge.py`));
  const pySignatures = await installPython('python-signatures', 'http-message-signatures', python, run);
  project.provide('pySignatures', pythonProgram(pySignatures, `${FOLDERS.pySignatures}/exchange.py`));
  const verifier = (name: string) => pythonProgram(pySignatures, `${FOLDERS.pySignatures}/${name}_verifier.py`);
  project.provide('pyVerifiers', {
    wit: verifier('wit'),
    wpt: verifier('wpt'),
    'http-signature': verifier('signature'),
  });
}

async function goProgram(name: string, directory: string): Promise<Program> {
  const command = userCache(`${name}-peer`);
  console.log(`Building the program ${name} (seconds, or a minute with an empty Go cache)`);
  await run('go', ['build', '-v', '-trimpath', '-o', command, '.'], directory, goEnvironment());
  return { command, args: [] };
}

/** -E -s: only the folder of the script adds modules. Warnings about weak keys are not verdicts. */
function pythonProgram(interpreter: string, script: string): Program {
  return { command: interpreter, args: ['-E', '-s', '-B', '-W', 'ignore', script] };
}

/** Gives the version of Python, or ends the run with the sentence that helps instead of a stack. */
function requireTools(): string {
  try {
    requireGo(FOLDERS.goSpiffe);
    requireGo(FOLDERS.goSignatures);
    return requirePython();
  } catch (error) {
    console.error(`test:interop cannot start: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}

function folder(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url));
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
