import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The environment of every Go command: the installed toolchain, never a downloaded one, and the module as it is pinned.
 * Git is not asked about the checkout: it refuses to speak about one that belongs to another user.
 */
export function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' };
}

/**
 * Checks that Go is there and is new enough for the module in `directory`.
 *
 * @throws Error that says what to install.
 */
export function requireGo(directory: string): void {
  const wanted = /^go (\d+(?:\.\d+)*)/m.exec(readFileSync(join(directory, 'go.mod'), 'utf8'))?.[1] ?? '1';
  const run = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env: goEnvironment(), cwd: '/' });
  if (run.error !== undefined || run.status !== 0) {
    throw new Error(`\`go\` is not on the PATH: install Go ${wanted} or newer (the package is often called golang).`);
  }
  const found = run.stdout.trim().replace(/^go/, '');
  if (compareVersions(found, wanted) < 0) {
    throw new Error(`Go ${found} is installed, but Go ${wanted} or newer is needed: install a newer Go.`);
  }
}

/**
 * Checks that the C compiler which Go would call is there.
 *
 * @throws Error that says what to install.
 */
export function requireCCompiler(): void {
  const run = spawnSync('go', ['env', 'CC'], { encoding: 'utf8', env: goEnvironment(), cwd: '/' });
  const [compiler = 'cc', ...rest] = run.stdout.trim().split(/\s+/);
  if (spawnSync(compiler, [...rest, '--version'], { stdio: 'ignore' }).status !== 0) {
    throw new Error(
      `The C compiler \`${compiler}\` is not on the PATH, and SPIRE's SQLite needs one: install gcc or clang with the C ` +
        'library headers (Debian: build-essential).',
    );
  }
}

function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => text.split(/[^\d]+/).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
