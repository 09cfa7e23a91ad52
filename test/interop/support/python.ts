import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { userCache } from '../../spire/support/user-cache.js';

const NEEDED = [3, 10] as const;

type Run = (command: string, args: readonly string[], directory: string) => Promise<void>;

/**
 * The interpreter of a virtual environment that holds exactly the packages of the requirements file in a folder beside
 * this one, in the user's cache: made on first use, and again when the file or the version of Python changes.
 */
export async function installPython(folder: string, name: string, version: string, run: Run): Promise<string> {
  const file = fileURLToPath(new URL(`../${folder}/requirements.txt`, import.meta.url));
  const requirements = readFileSync(file, 'utf8');
  const pinned = new RegExp(`^${name}==(.+)$`, 'm').exec(requirements)?.[1] ?? 'unknown';
  const content = createHash('sha256').update(`${version}\n${requirements}`).digest('hex').slice(0, 12);
  const directory = userCache(`py-${name}-${pinned}-${content}`);
  const interpreter = join(directory, 'bin', 'python');
  if (existsSync(interpreter)) return interpreter;

  console.log(`Installing the Python package ${name} ${pinned} and what it needs into ${directory} (about a minute)`);
  mkdirSync(userCache(), { recursive: true });
  const partial = mkdtempSync(`${directory}.partial-`);
  try {
    await run('python3', ['-m', 'venv', partial], '/');
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'];
    await run(join(partial, 'bin', 'python'), [...pip, '--requirement', file], '/');
    publish(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return interpreter;
}

/**
 * The version of `python3`, which must be new enough and able to make virtual environments.
 *
 * @throws Error that says what to install.
 */
export function requirePython(): string {
  const wanted = NEEDED.join('.');
  const run = spawnSync('python3', ['-c', 'import sys; print(*sys.version_info[:3], sep=".")'], {
    encoding: 'utf8',
    cwd: '/',
  });
  if (run.error !== undefined || run.status !== 0) {
    throw new Error(
      `\`python3\` is not on the PATH: install Python ${wanted} or newer (Debian: python3 python3-venv).`,
    );
  }
  const version = run.stdout.trim();
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
    throw new Error(`Python ${version} is installed, but Python ${wanted} or newer is needed: install a newer Python.`);
  }
  if (spawnSync('python3', ['-c', 'import ensurepip, venv'], { stdio: 'ignore', cwd: '/' }).status !== 0) {
    throw new Error(
      `Python ${version} cannot make virtual environments: install its venv module (Debian: python3-venv).`,
    );
  }
  return version;
}

/** A virtual environment finds itself by the place of its interpreter, so that it may be moved; whoever is first wins. */
function publish(partial: string, directory: string): void {
  try {
    renameSync(partial, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
  }
}
