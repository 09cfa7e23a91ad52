import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { userCache } from './user-cache.js';

/** The Go module that pins SPIRE and everything it is built from. */
export const TOOLS_MODULE = fileURLToPath(new URL('../tools', import.meta.url));

export const SPIRE_PROGRAMS = ['spire-server', 'spire-agent'] as const;

export interface SpireBinaries {
  readonly version: string;
  readonly directory: string;
  readonly server: string;
  readonly agent: string;
}

/** Where the programs of the pinned version are, or will be once they are built. */
export function locateSpire(): SpireBinaries {
  const version = pinnedVersion('github.com/spiffe/spire');
  const directory = userCache(`spire-${version}`);
  const [server, agent] = SPIRE_PROGRAMS;
  return { version, directory, server: join(directory, server), agent: join(directory, agent) };
}

/** What `--version` of a program says, or undefined when it is absent or does not run. */
export function versionOf(program: string): string | undefined {
  const run = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  return run.status === 0 ? `${run.stdout}${run.stderr}`.trim() : undefined;
}

/**
 * The programs, known to run.
 *
 * @throws Error that says how to get them.
 */
export function requireSpire(): SpireBinaries {
  const binaries = locateSpire();
  for (const program of SPIRE_PROGRAMS) {
    if (versionOf(join(binaries.directory, program)) === undefined) {
      throw new Error(
        `${program} ${binaries.version} is not in ${binaries.directory}. These tests run a real SPIRE: ` +
          'build it once with `npm run spire:install` (needs Go and a C compiler, takes about 12 minutes).',
      );
    }
  }
  return binaries;
}

function pinnedVersion(module: string): string {
  const text = readFileSync(join(TOOLS_MODULE, 'go.mod'), 'utf8');
  for (const line of text.split('\n')) {
    const [name, version] = line.replace(/^\s*(require\s+)?/, '').split(/\s+/);
    if (name === module && version?.startsWith('v')) return version.slice(1);
  }
  throw new Error(`${join(TOOLS_MODULE, 'go.mod')} does not require ${module}`);
}
