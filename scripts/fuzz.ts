// Feeds every strict reader with mutated and invented inputs:
//   npm run fuzz                                     60 seconds, all readers in turns
//   npm run fuzz -- --seconds 600 --reader der       one reader (may be given several times)
//   npm run fuzz -- --seed 7                         another sequence; the seed is printed
//   npm run fuzz -- --reader der --input MAA=        one input in base64, or @file, as a failure prints it
// Fails when a reader throws anything but its typed refusal, accepts what it writes differently, or takes longer than
// --cap-ms (1000) for one input; a reader that does not come back at all is stopped after ten seconds.
import { fork } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Input } from './fuzz/reader.js';
import { type Failure, readerNames, Session, type Tally } from './fuzz/run.js';

interface Job {
  readonly readers: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  /** The input that is being read is written here first, so that one that never ends is known. */
  readonly currentInput: string;
}

interface Report {
  readonly tallies: readonly Tally[];
  readonly failures: readonly Failure[];
  readonly done: boolean;
}

const TURN_MS = 40;
const REPORT_MS = 1000;
const HANG_MS = 10_000;
const MAX_PRINTED = 400;
const HEADER_BYTES = 8;

if (process.send === undefined) await main();
else process.once('message', (job: Job) => void work(job));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      reader: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      input: { type: 'string' },
      'cap-ms': { type: 'string', default: '1000' },
    },
  });
  const readers = values.reader.length === 0 ? readerNames() : values.reader;
  const [seed, seconds, cap] = [Number(values.seed), Number(values.seconds), Number(values['cap-ms'])];
  if (![seed, seconds, cap].every((value) => value >= 0))
    throw new TypeError('--seed, --seconds and --cap-ms are numbers');
  if (values.input !== undefined) return judgeOne(readers, values.input);

  console.log(`seed ${seed}, ${seconds} s, ${readers.length} readers: ${readers.join(', ')}`);
  const { tallies, failures } = await supervise({ readers, seed, seconds });
  printTable(tallies);
  for (const { reader, message, input } of failures) {
    console.error(`\n${reader} failed (seed ${seed}): ${message}\n  --reader ${reader} --input ${toArgument(input)}`);
  }
  const slow = tallies.filter(({ slowest }) => slowest > cap);
  for (const { reader, slowest, slowestInput } of slow) {
    console.error(`\n${reader} took ${slowest.toFixed(0)} ms: --reader ${reader} --input ${toArgument(slowestInput)}`);
  }
  if (failures.length + slow.length > 0) process.exitCode = 1;
}

/** Runs the job in a process of its own, because only from outside can one that hangs be noticed. */
async function supervise(job: Omit<Job, 'currentInput'>): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'svidkit-fuzz-'));
  const currentInput = join(folder, 'input');
  const child = fork(import.meta.filename, { serialization: 'advanced' });
  const started = Date.now();
  let latest: Report = { tallies: [], failures: [], done: false };
  try {
    return await new Promise((resolve, reject) => {
      const hangs = () => {
        const file = readFileSync(currentInput);
        const input = new Uint8Array(file.subarray(HEADER_BYTES, HEADER_BYTES + Number(file.readBigUInt64LE(0))));
        const failure = { reader: 'the reader', message: `no answer for ${HANG_MS} ms`, input };
        resolve({ ...latest, failures: [...latest.failures, failure] });
      };
      let watch = setTimeout(hangs, 6 * HANG_MS);
      child.on('message', (report: Report) => {
        latest = report;
        clearTimeout(watch);
        printProgress(report, Date.now() - started);
        if (report.done) resolve(report);
        else watch = setTimeout(hangs, HANG_MS);
      });
      child.on('error', reject);
      child.on('exit', (code) => {
        clearTimeout(watch);
        reject(new Error(`the process that reads ended with ${code}`));
      });
      child.send({ ...job, currentInput } satisfies Job);
    });
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function work({ readers, seed, seconds, currentInput }: Job): Promise<void> {
  const file = openSync(currentInput, 'w');
  const sessions = readers.map((name) => new Session(name, seed));
  const failures: Failure[] = [];
  const end = Date.now() + seconds * 1000;
  let reported = 0;
  while (Date.now() < end && failures.length < sessions.length) {
    for (const session of sessions) {
      // One failure of a reader is enough: the next one would be the same.
      const hasFailed = failures.some(({ reader }) => reader === session.tally.reader);
      for (const turn = Date.now() + (hasFailed ? 0 : TURN_MS); Date.now() < turn; ) {
        const input = session.next();
        announce(file, input);
        const failure = session.judge(input);
        if (failure === undefined) continue;
        failures.push(failure);
        break;
      }
      if (Date.now() - reported < REPORT_MS) continue;
      reported = Date.now();
      await report(sessions, failures, false);
    }
  }
  closeSync(file);
  await report(sessions, failures, true);
  process.disconnect();
}

async function report(sessions: readonly Session[], failures: readonly Failure[], done: boolean): Promise<void> {
  process.send?.({ tallies: sessions.map(({ tally }) => tally), failures, done } satisfies Report);
  await setImmediate();
}

function announce(file: number, input: Input): void {
  const bytes = toBytes(input);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64LE(BigInt(bytes.length));
  writeSync(file, Buffer.concat([header, bytes]), 0, HEADER_BYTES + bytes.length, 0);
}

function printProgress({ tallies, failures }: Report, milliseconds: number): void {
  const tried = tallies.reduce((sum, tally) => sum + tally.tried, 0);
  const accepted = tallies.reduce((sum, tally) => sum + tally.accepted, 0);
  const seconds = (milliseconds / 1000).toFixed(0).padStart(4);
  console.log(`${seconds} s  ${tried} inputs, ${accepted} accepted, ${failures.length} failures`);
}

function judgeOne(readers: readonly string[], base64: string): void {
  const bytes = Buffer.from(base64.startsWith('@') ? readFileSync(base64.slice(1), 'utf8') : base64, 'base64');
  for (const name of readers) {
    const session = new Session(name, 0);
    const isText = typeof session.next() === 'string';
    const failure = session.judge(isText ? bytes.toString('utf16le') : new Uint8Array(bytes));
    console.log(name, failure?.message ?? (session.tally.accepted === 1 ? 'accepted' : 'refused'));
    if (failure !== undefined) process.exitCode = 1;
  }
}

/** A text is written in UTF-16, which keeps halves of surrogate pairs too. */
function toBytes(input: Input): Buffer {
  return typeof input === 'string' ? Buffer.from(input, 'utf16le') : Buffer.from(input);
}

/** What `--input` takes: the input itself, or a file that holds it where it is long. */
function toArgument(input: Input): string {
  const base64 = toBytes(input).toString('base64');
  if (base64.length <= MAX_PRINTED) return base64;
  const path = join(mkdtempSync(join(tmpdir(), 'svidkit-fuzz-')), 'input');
  writeFileSync(path, base64);
  return `@${path}`;
}

function printTable(tallies: readonly Tally[]): void {
  const columns = ['tried', 'accepted', 'refused', 'slowest ms'];
  console.log(`\n${'reader'.padEnd(18)}${columns.map((column) => column.padStart(12)).join('')}`);
  for (const { reader, tried, accepted, slowest } of tallies) {
    const cells = [tried, accepted, tried - accepted, slowest.toFixed(1)];
    console.log(`${reader.padEnd(18)}${cells.map((cell) => String(cell).padStart(12)).join('')}`);
  }
}
