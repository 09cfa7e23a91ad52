// Fifty sources live through minutes of rotations, outages, withdrawals and replaced authorities:
// `npm run soak -- --minutes 10`, and `-- --spire` for the same on a real SPIRE agent. Prints a line every ten seconds.
// At the end everything is closed; the run fails when heap, handles or descriptors are not back where they began, when
// the heap grew while the number of sources did not, or when a source did not recover.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { megabytes } from '../test/support/figures.js';
import { openDevWorld } from './soak/dev-world.js';
import { Fleet } from './soak/fleet.js';
import type { World } from './soak/world.js';

const REPORT_EVERY_MS = 10_000;
const DISTURB_EVERY_MS = 5_000;
const WARM_UP_MS = 15_000;
/** What the heap may differ by: code compiled late, buffers and caches of Node itself. */
const HEAP_TOLERANCE = 6e6;
/** A run that is shorter says nothing about growth. */
const MINUTES_FOR_GROWTH = 3;

interface Measure {
  readonly heap: number;
  readonly rss: number;
  /** How many of each kind keep the process alive. */
  readonly handles: Readonly<Record<string, number>>;
  /** Open file descriptors, which count sockets that keep nothing alive. Linux only. */
  readonly descriptors: number | undefined;
}

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, spire: { type: 'boolean', default: false } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new TypeError('--minutes takes a number greater than zero');
if (globalThis.gc === undefined) throw new Error('run with node --expose-gc, as `npm run soak` does');
const openWorld = values.spire ? (await import('./soak/spire-world.js')).openSpireWorld : openDevWorld;

console.log(`Warming up for ${WARM_UP_MS / 1000} s, so that what is loaded and compiled once does not count.`);
await live(WARM_UP_MS, () => {});
const before = await measure();
console.log(`at rest:  ${show(before)}`);

const heaps: number[] = [];
await live(minutes * 60_000, (line, heap) => {
  heaps.push(heap);
  console.log(line);
});
const after = await measure();
console.log(`at rest:  ${show(after)}`);

const faults = judge();
for (const fault of faults) console.error(`FAILED: ${fault}`);
console.log(faults.length === 0 ? 'Everything came back to where it began.' : 'Not everything came back.');
process.exitCode = faults.length === 0 ? 0 : 1;

async function live(durationMs: number, onReport: (line: string, heap: number) => void): Promise<void> {
  await using world = await openWorld();
  await using fleet = new Fleet(world);
  await fleet.recovered();
  const started = performance.now();
  const disturbing = disturb(world, fleet, started + durationMs);
  let seen = 0;
  for (let next = started + REPORT_EVERY_MS; next <= started + durationMs; next += REPORT_EVERY_MS) {
    await Promise.race([sleep(next - performance.now()), disturbing.then(() => sleep(next - performance.now()))]);
    const now = await measure(0);
    const { given, refused } = fleet.tokens;
    const updates = `${fleet.updates - seen} updates (${fleet.updates})`;
    seen = fleet.updates;
    const uses = `${given} uses, ${refused} refused`;
    const sources = `${fleet.size} sources of ${fleet.made}`;
    const seconds = String(Math.round((performance.now() - started) / 1000)).padStart(4);
    onReport(`${seconds} s:  ${show(now)}; ${sources}, ${updates}, ${uses}`, now.heap);
  }
  await disturbing;
  await fleet.recovered();
}

/** One thing goes wrong after the other, while some sources are closed and others opened. */
async function disturb(world: World, fleet: Fleet, until: number): Promise<void> {
  while (performance.now() < until) {
    const next = performance.now() + DISTURB_EVERY_MS;
    await Promise.all([world.disturb(), fleet.use()]);
    await fleet.replace(5);
    await fleet.use();
    await sleep(Math.max(0, next - performance.now()));
  }
}

async function measure(settleMs = 1_500): Promise<Measure> {
  await sleep(settleMs);
  // Finalizers run between collections, and what they free is found by the next one.
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await sleep(20);
  }
  const handles: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) handles[name] = (handles[name] ?? 0) + 1;
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss, handles, descriptors: openDescriptors() };
}

function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

function judge(): string[] {
  const found: string[] = [];
  if (after.heap > before.heap + HEAP_TOLERANCE) {
    found.push(`the heap is ${megabytes(after.heap - before.heap)} larger than it was before anything was opened`);
  }
  if (JSON.stringify(sorted(after.handles)) !== JSON.stringify(sorted(before.handles))) {
    found.push(`other handles are open than before: ${list(after.handles)} instead of ${list(before.handles)}`);
  }
  if (after.descriptors !== before.descriptors) {
    found.push(`${after.descriptors} descriptors are open instead of ${before.descriptors}`);
  }
  const third = Math.floor(heaps.length / 3);
  const growth = Math.min(...heaps.slice(-third)) - Math.min(...heaps.slice(0, third));
  // The log of every SPIRE process that was ended is kept until all of it is closed.
  if (minutes >= MINUTES_FOR_GROWTH && !values.spire) {
    console.log(
      `lowest heap of the last third of the run against the first: ${growth < 0 ? '' : '+'}${megabytes(growth)}`,
    );
    if (growth > HEAP_TOLERANCE) found.push(`the heap grew by ${megabytes(growth)} under an even load`);
  }
  return found;
}

function show({ heap, rss, handles, descriptors }: Measure): string {
  return `heap ${megabytes(heap)}, rss ${megabytes(rss)}, ${descriptors ?? '?'} descriptors, handles ${list(handles)}`;
}

function list(handles: Readonly<Record<string, number>>): string {
  return sorted(handles)
    .map(([name, count]) => `${count} ${name}`)
    .join(' + ');
}

function sorted(handles: Readonly<Record<string, number>>): (readonly [string, number])[] {
  return Object.entries(handles).sort(([a], [b]) => (a < b ? -1 : 1));
}
