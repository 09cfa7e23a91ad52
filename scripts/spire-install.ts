// Builds spire-server and spire-agent from the Go module in test/spire/tools into the user's cache. Does nothing when
// they are there. The programs appear all at once or not at all.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { locateSpire, SPIRE_PROGRAMS, TOOLS_MODULE, versionOf } from '../test/spire/support/binaries.js';
import { goEnvironment, requireCCompiler, requireGo } from '../test/spire/support/go.js';

const REPORT_EVERY_MS = 10_000;

const spire = locateSpire();
const started = Date.now();
let doing = 'starting';
let running: ChildProcess | undefined;
let partial: string | undefined;

process.on('exit', () => {
  running?.kill('SIGKILL');
  if (partial !== undefined) rmSync(partial, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

try {
  await install();
} catch (error) {
  console.error(`spire:install failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function install(): Promise<void> {
  const present = installedVersions(spire.directory);
  if (present !== undefined) {
    console.log(`SPIRE ${spire.version} is already in ${spire.directory} (${present}): nothing to do.`);
    return;
  }
  requireGo(TOOLS_MODULE);
  requireCCompiler();
  console.log(`Building SPIRE ${spire.version} into ${spire.directory}. On two cores this takes about 12 minutes.`);
  mkdirSync(dirname(spire.directory), { recursive: true });
  partial = mkdtempSync(`${spire.directory}.partial-`);
  const timer = setInterval(report, REPORT_EVERY_MS);
  try {
    await build(partial);
  } finally {
    clearInterval(timer);
  }
  publish(partial);
  console.log(`${elapsed()} SPIRE ${spire.version} is in ${spire.directory} (${installedVersions(spire.directory)}).`);
}

async function build(target: string): Promise<void> {
  const onDownload = countDownloads();
  doing = 'downloading Go modules';
  report();
  const listed = await go(['list', '-deps', 'tool'], onDownload);
  const total = new Set(listed.split('\n').filter(Boolean)).size;
  let compiled = 0;
  doing = `compiling ${total} packages; those in the Go build cache are not counted`;
  report();
  const install = ['install', '-v', '-trimpath', '-ldflags', '-s -w', 'tool'];
  await go(
    install,
    (line) => {
      if (onDownload(line)) return;
      compiled += 1;
      doing = `compiled ${compiled} of at most ${total} packages, last ${line}`;
    },
    target,
  );
}

function countDownloads(): (line: string) => boolean {
  let count = 0;
  return (line) => {
    if (!line.startsWith('go: downloading ')) return false;
    count += 1;
    doing = `downloading Go modules (${count} so far)`;
    return true;
  };
}

function publish(target: string): void {
  const versions = installedVersions(target);
  if (versions === undefined) throw new Error('the programs were built, but do not answer --version');
  // Whatever is there now does not run: either an incomplete copy, or nothing.
  if (existsSync(spire.directory) && installedVersions(spire.directory) === undefined) {
    rmSync(spire.directory, { recursive: true, force: true });
  }
  try {
    renameSync(target, spire.directory);
  } catch (error) {
    // Another run was faster; its programs are as good as ours.
    if (installedVersions(spire.directory) === undefined) throw error;
  }
}

function installedVersions(directory: string): string | undefined {
  const versions = SPIRE_PROGRAMS.map((program) => {
    const version = versionOf(join(directory, program));
    return version === undefined ? undefined : `${program} says ${version}`;
  });
  return versions.includes(undefined) ? undefined : versions.join(', ');
}

/** Runs a Go command in the tools module and gives its standard output; `onLine` sees each line of standard error. */
function go(args: readonly string[], onLine: (line: string) => void, target?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: TOOLS_MODULE,
      env: {
        ...goEnvironment(),
        CGO_ENABLED: '1',
        ...(target === undefined ? {} : { GOBIN: target }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running = child;
    let output = '';
    const tail: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      tail.push(line);
      if (tail.length > 40) tail.shift();
      onLine(line);
    });
    child.on('error', reject);
    child.on('close', (status) => {
      running = undefined;
      if (status === 0) resolve(output);
      else reject(new Error(`\`go ${args.join(' ')}\` ended with ${status}. Its last lines:\n${tail.join('\n')}`));
    });
  });
}

function report(): void {
  console.log(`${elapsed()} ${doing}`);
}

function elapsed(): string {
  const seconds = Math.round((Date.now() - started) / 1000);
  return `[${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}]`;
}
