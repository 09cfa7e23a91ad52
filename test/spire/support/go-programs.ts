import { execFile } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { goEnvironment } from './go.js';
import { userCache } from './user-cache.js';

/** The Go module of the programs that use go-spiffe. */
export const GO_SPIFFE_MODULE = fileURLToPath(new URL('../go-spiffe', import.meta.url));

/** Its programs, and the packages they are built from. */
const PACKAGES = {
  probe: '.',
  'wit-server': './wit-server',
  'connect-loop': './connect-loop',
  'fetch-bundle': './fetch-bundle',
  'grpc-peer': './grpc-peer',
  'https-peer': './https-peer',
  reflect: './reflect',
} as const;

/** Builds a program: half a minute the first time, next to nothing when it is in Go's build cache. Gives its path. */
export async function buildGoProgram(name: keyof typeof PACKAGES): Promise<string> {
  mkdirSync(userCache(), { recursive: true });
  const program = userCache(`go-spiffe-${name}`);
  // Other test files may build it, or run it, at the same time.
  const built = `${program}-${process.pid}`;
  await promisify(execFile)('go', ['build', '-trimpath', '-o', built, PACKAGES[name]], {
    cwd: GO_SPIFFE_MODULE,
    env: goEnvironment(),
  });
  renameSync(built, program);
  return program;
}

/** Downloads and compiles what all of them are made of, so that no test waits for more than the linker. */
export async function compileGoPrograms(): Promise<void> {
  await promisify(execFile)('go', ['build', '-trimpath', './...'], { cwd: GO_SPIFFE_MODULE, env: goEnvironment() });
}
