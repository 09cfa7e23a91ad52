// svidkit beside go-spiffe and the Python package spiffe, all on one real SPIRE agent: `npm run compare -- --rounds 5`.
// How soon has each a fresh identity after the agent was killed and came back, and how soon the new one after a
// rotation? Prints every round, then the medians and how they compare with ours. Times depend on the machine and are
// asserted nowhere. `--away SECONDS` leaves the agent dead for longer (default 0).
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWorkloadApiClient } from 'svidkit/workload-api';
import { SpiffeWorkloadAPI } from '../src/workload-api/gen/workloadapi_pb.js';
import { installPython, requirePython } from '../test/interop/support/python.js';
import { buildGoProgram } from '../test/spire/support/go-programs.js';
import { Spire } from '../test/spire/support/spire.js';
import { ownUser } from '../test/spire/support/users.js';
import { waitFor } from '../test/spire/support/wait-for.js';
import { connectBare } from '../test/support/bare-workload-client.js';
import { Contestant, type Program } from './compare/contestant.js';

/** SPIRE rotates after about half of a lifetime. */
const TTL_SECONDS = 20;
const PATIENCE_MS = 90_000;

/** Milliseconds by name of the client; none for one that has given up. */
type Round = ReadonlyMap<string, number | undefined>;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, away: { type: 'string', default: '0' } },
});
const rounds = Number(values.rounds);
const awayMs = Number(values.away) * 1000;
if (!(Number.isSafeInteger(rounds) && rounds > 0)) throw new TypeError('--rounds takes a whole number above zero');
if (!(awayMs >= 0)) throw new TypeError('--away takes seconds');

const programs = await prepare();
console.log('Starting a SPIRE server and agent');
await using spire = await Spire.start();
const socketPath = spire.address.slice('unix://'.length);
await spire.commands.createEntry({ path: '/agents/planner', uid: ownUser(), x509TtlSeconds: TTL_SECONDS });
await waitFor('a registered identity', async () => {
  await using client = createWorkloadApiClient({ address: spire.address });
  return await client.fetchX509Context();
});
const contestants = programs.map((program) => new Contestant(program, spire.address));
try {
  await waitFor('the first identity of every client', () => agreed(contestants) !== undefined);
  await compare('rotation until the source has the new X.509-SVID', rotation);
  await compare('killed agent accepts connections again until the source has a fresh X.509-SVID', restart);
} finally {
  for (const contestant of contestants) await contestant.end();
}

async function compare(title: string, measure: () => Promise<Round>): Promise<void> {
  console.log(`\n${title}, in milliseconds:`);
  const results: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    const result = await measure();
    results.push(result);
    const cells = contestants.map(({ name }) => `${name} ${show(result.get(name))}`);
    console.log(`  round ${round} of ${rounds}: ${cells.join(', ')}`);
  }
  const medians = contestants.map(({ name }) => ({ name, median: median(results.map((round) => round.get(name))) }));
  const ours = medians[0]?.median;
  for (const { name, median: value } of medians) {
    const beside = name === medians[0]?.name ? '' : besideOurs(value, ours);
    console.log(`  median of ${name}: ${show(value)}${beside}`);
  }
  for (const { name, failure } of contestants) if (failure !== undefined) console.log(`  ${name} gave up: ${failure}`);
}

/** Counts from the moment when the first was told: a client, or a stream of this process that only reads. */
async function rotation(): Promise<Round> {
  const before = agreed(contestants);
  const { serial, at } = await nextMessage(before);
  await settled((contestant) => contestant.sawAt(serial) !== undefined);
  const zero = Math.min(at, ...contestants.map((each) => each.sawAt(serial) ?? at));
  return new Map(contestants.map((each) => [each.name, since(zero, each.sawAt(serial))]));
}

/** Counts from the first connection that the new agent accepts. The agent's own start is the same for everybody. */
async function restart(): Promise<Round> {
  const before = new Map(contestants.map((contestant) => [contestant, contestant.newest]));
  await spire.endAgent('SIGKILL');
  await sleep(awayMs);
  const [zero] = await Promise.all([firstAccepted(), spire.startAgent()]);
  const first = new Map<Contestant, number>();
  await settled((contestant) => {
    const { newest } = contestant;
    if (newest === undefined || newest === before.get(contestant)) return false;
    if (!first.has(contestant)) first.set(contestant, contestant.sawAt(newest) ?? zero);
    return true;
  });
  // So that the next round begins with everybody connected and at rest.
  await settled(() => agreed(contestants) !== undefined);
  await sleep(2_000);
  return new Map(contestants.map((each) => [each.name, since(zero, first.get(each))]));
}

/** Waits until the condition holds of every client that has not given up. */
async function settled(holds: (contestant: Contestant) => boolean): Promise<void> {
  await waitFor(
    'every client',
    () => contestants.map((each) => holds(each) || each.failure !== undefined).every(Boolean),
    { timeoutMs: PATIENCE_MS, everyMs: 5 },
  );
}

/** The serial number that all clients have which have not given up; `undefined` while they differ. */
function agreed(all: readonly Contestant[]): bigint | undefined {
  const [first, ...rest] = all.filter(({ failure }) => failure === undefined).map(({ newest }) => newest);
  return rest.every((serial) => serial === first) ? first : undefined;
}

/** When the bytes of the next SVID came to this process, before anything is made of them. */
async function nextMessage(before: bigint | undefined): Promise<{ serial: bigint; at: number }> {
  const client = connectBare(spire.address);
  const stream = client.stream(SpiffeWorkloadAPI.method.fetchX509SVID, {});
  try {
    for (;;) {
      const { svids } = await stream.next();
      const at = now();
      const serial = BigInt(`0x${new X509Certificate(svids[0]?.x509Svid ?? '').serialNumber}`);
      if (serial !== before) return { serial, at };
    }
  } finally {
    stream.cancel();
    client.close();
  }
}

async function firstAccepted(): Promise<number> {
  const deadline = now() + PATIENCE_MS;
  while (now() < deadline) {
    const socket = connect(socketPath);
    try {
      await once(socket, 'connect');
      return now();
    } catch {
      await sleep(2);
    } finally {
      socket.destroy();
    }
  }
  throw new Error('the agent did not come back');
}

async function prepare(): Promise<readonly Program[]> {
  const python = requirePython();
  console.log('Building the go-spiffe program (seconds, or a minute with an empty Go cache)');
  const go = await buildGoProgram('x509-watch');
  const interpreter = await installPython('python', 'spiffe', python, run);
  const file = (name: string): string => fileURLToPath(new URL(`./compare/${name}`, import.meta.url));
  return [
    { name: 'svidkit', command: process.execPath, args: ['--import', 'tsx', file('x509-watch.ts')] },
    { name: 'go-spiffe', command: go, args: ['-socket'] },
    { name: 'py-spiffe', command: interpreter, args: ['-I', '-B', '-W', 'ignore', file('x509_watch.py')] },
  ];
}

/** Runs a command with its output visible. */
async function run(command: string, args: readonly string[], directory: string): Promise<void> {
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`\`${command} ${args.join(' ')}\` ended with ${code}`);
}

/** A ratio to nothing says nothing. */
function besideOurs(value: number | undefined, ours: number | undefined): string {
  if (value === undefined || ours === undefined) return '';
  if (value > 0 && ours > 0) return `, ${(value / ours).toFixed(2)} times ours`;
  return `, ${Math.abs(value - ours).toFixed(1)} ms ${value < ours ? 'before' : 'after'} ours`;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

function since(zero: number, at: number | undefined): number | undefined {
  return at === undefined ? undefined : at - zero;
}

function median(numbers: readonly (number | undefined)[]): number | undefined {
  const sorted = numbers.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

function show(milliseconds: number | undefined): string {
  return milliseconds === undefined ? 'never' : `${milliseconds.toFixed(1)}`;
}
