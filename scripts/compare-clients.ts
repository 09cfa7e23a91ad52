// svidkit beside go-spiffe and the Python package spiffe, all on one real SPIRE agent: `npm run compare`. After a rotation,
// and after the agent was killed and came back: how soon has the source of each the new X.509-SVID, and how soon does a new
// mutual TLS connection present it? Each keeps opening connections to one recorder. Prints every round, then the medians,
// and how they compare with go-spiffe's. Times depend on the machine and are asserted nowhere.
//   --rounds 5 rotations, --restarts 3 of the agent, --away 0 seconds between its end and its start,
//   --every 20 milliseconds from the beginning of one connection to that of the next
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWorkloadApiClient } from 'svidkit/workload-api';
import { installPython, requirePython } from '../test/interop/support/python.js';
import { requireSpire } from '../test/spire/support/binaries.js';
import { requireGo } from '../test/spire/support/go.js';
import { buildGoProgram, GO_SPIFFE_MODULE } from '../test/spire/support/go-programs.js';
import { Spire } from '../test/spire/support/spire.js';
import { ownUser } from '../test/spire/support/users.js';
import { waitFor } from '../test/spire/support/wait-for.js';
import { Contestant, type Program } from './compare/contestant.js';
import { Course, type Round } from './compare/course.js';
import { Observer } from './compare/observer.js';
import { Recorder } from './compare/recorder.js';
import { median, roundLine, show, stageTable, type Tally } from './compare/table.js';

/** SPIRE rotates after about half of a lifetime. */
const TTL_SECONDS = 20;
const REFERENCE = 'go-spiffe';
const WORKLOAD = '/agents/planner';
const RECORDER = '/services/recorder';
const RECORDER_TTL_SECONDS = 6 * 3600;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    restarts: { type: 'string', default: '3' },
    away: { type: 'string', default: '0' },
    every: { type: 'string', default: '20' },
  },
});
const [rounds, restarts, everyMs] = [Number(values.rounds), Number(values.restarts), Number(values.every)];
const awayMs = Number(values.away) * 1000;
if (![rounds, restarts, everyMs].every((value) => Number.isSafeInteger(value) && value > 0)) {
  throw new TypeError('--rounds, --restarts and --every take a whole number above zero');
}
if (!(awayMs >= 0)) throw new TypeError('--away takes seconds');

const programs = await prepare().catch((error: unknown) => {
  console.error(`compare cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
console.log('Starting a SPIRE server and agent');
await using spire = await Spire.start();
await spire.commands.createEntry({ path: WORKLOAD, uid: ownUser(), x509TtlSeconds: TTL_SECONDS });
await waitFor('a registered identity', async () => {
  await using client = createWorkloadApiClient({ address: spire.address });
  return await client.fetchX509Context();
});
await using recorder = new Recorder(
  await spire.commands.mintX509(RECORDER, RECORDER_TTL_SECONDS),
  await spire.commands.bundlePem(),
);
await using observer = new Observer(spire.address);
const contestants = await Promise.all(
  programs.map(async (program) => {
    const { port, connections } = await recorder.listen();
    const server = spire.commands.id(RECORDER);
    return new Contestant(program, [spire.address, String(port), server, String(everyMs)], connections);
  }),
);
const course = new Course(spire, recorder, observer, contestants);
console.log(`
All three are the same workload, by one registration entry with SVIDs of ${TTL_SECONDS} s, so that the agent gives all of
them the same certificate at the same time. All run at once, each in a process of its own. Each opens a new connection
every ${everyMs} ms, or as soon as the last has ended, to a recorder that is a TLS server of Node alone: until a connection
presents a new identity, that interval and a handshake go by.`);
try {
  await measure(
    'Rotation, in milliseconds since the first was told of the new SVID: a client, or a stream that only reads',
    rounds,
    () => course.rotation(),
  );
  await measure(
    `Restart: the agent was killed, stayed away for ${awayMs / 1000} s and was started; in milliseconds since it first ` +
      'accepted a connection',
    restarts,
    () => course.restart(awayMs),
  );
} finally {
  for (const contestant of contestants) await contestant.end();
}

async function measure(title: string, times: number, run: () => Promise<Round>): Promise<void> {
  console.log(`\n${title}\n  of each when its source had the new identity / when a new connection presented it:`);
  await course.atRest();
  const [begun, before] = [performance.now(), contestants.map(countsOf)];
  const results: Round[] = [];
  for (let round = 1; round <= times; round++) {
    const result = await run();
    results.push(result);
    console.log(`  round ${round} of ${times}: ${roundLine(result)}`);
  }
  const withinMs = performance.now() - begun;
  const tallies = contestants.map((each, index) => {
    const [start, end] = [before[index] ?? { recorded: 0, failed: 0 }, countsOf(each)];
    const tally: Tally = { recorded: end.recorded - start.recorded, failed: end.failed - start.failed, withinMs };
    return [each.name, tally] as const;
  });
  console.log(`\n${stageTable(results, new Map(tallies), REFERENCE).join('\n')}`);
  console.log(
    `  The stream that only reads had it after ${show(median(results.map((each) => each.observer)))} (median).`,
  );
  for (const [index, each] of contestants.entries()) {
    const reasons = new Set(each.failedConnections.slice(before[index]?.failed));
    for (const reason of reasons) console.log(`  ${each.name} failed to connect: ${reason}`);
    if (each.failure !== undefined) console.log(`  ${each.name} gave up: ${each.failure}`);
  }
}

function countsOf({ connections, failedConnections }: Contestant): { recorded: number; failed: number } {
  return { recorded: connections.count, failed: failedConnections.length };
}

/** @throws Error that says what to install. */
async function prepare(): Promise<readonly Program[]> {
  requireSpire();
  requireGo(GO_SPIFFE_MODULE);
  const python = requirePython();
  console.log('Building the go-spiffe program (seconds, or a minute with an empty Go cache)');
  const go = await buildGoProgram('connect-loop');
  const interpreter = await installPython('python', 'spiffe', python, runVisibly);
  const file = (name: string): string => fileURLToPath(new URL(`./compare/${name}`, import.meta.url));
  return [
    { name: 'svidkit', command: process.execPath, args: ['--import', 'tsx', file('connect-loop.ts')] },
    { name: REFERENCE, command: go, args: [] },
    { name: 'py-spiffe', command: interpreter, args: ['-I', '-B', '-W', 'ignore', file('connect_loop.py')] },
  ];
}

/** Runs a command with its output visible. */
async function runVisibly(command: string, args: readonly string[], directory: string): Promise<void> {
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`\`${command} ${args.join(' ')}\` ended with ${code}`);
}
