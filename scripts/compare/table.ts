import type { Result, Round } from './course.js';

/** How many connections of one client there were, over all rounds. */
export interface Tally {
  readonly recorded: number;
  /** From the beginning of the first round to the end of the last, in milliseconds. */
  readonly withinMs: number;
  readonly failed: number;
}

const LABEL_WIDTH = 52;
/** Under this, what separates the clocks of two processes counts as much as what is measured. */
const SMALLEST_DIVISOR_MS = 1;

/** A round on one line: of each client when its source had the new identity, and when a connection presented it. */
export function roundLine({ results }: Round): string {
  return [...results]
    .map(([name, { source, connection }]) => `${name} ${show(source)} / ${show(connection)}`)
    .join(', ');
}

/**
 * The medians of the rounds and how they compare with those of one client, and what became of the connections. A client
 * that gave up counts with the rounds before that.
 *
 * @param reference the name of the client that the others are compared with.
 */
export function stageTable(
  rounds: readonly Round[],
  tallies: ReadonlyMap<string, Tally>,
  reference: string,
): readonly string[] {
  const names = [...tallies.keys()];
  const medianOf = (name: string, figure: (result: Result) => number | undefined): number | undefined =>
    median(rounds.map(({ results }) => apply(results.get(name), figure)));
  const row = (label: string, cell: (name: string) => string): string =>
    `  ${label.padEnd(LABEL_WIDTH)}${names.map((name) => cell(name).padStart(12)).join('')}`;
  const rows = (label: string, figure: (result: Result) => number | undefined): readonly string[] => [
    row(`${label}, median ms`, (name) => show(medianOf(name, figure))),
    row(`  beside ${reference}`, (name) => beside(medianOf(name, figure), medianOf(reference, figure))),
  ];
  const late = (name: string): number =>
    rounds.reduce((total, { results }) => total + (results.get(name)?.late ?? 0), 0);
  return [
    row('', (name) => name),
    ...rows('the source has the new identity', ({ source }) => source),
    ...rows('a new connection presents it', ({ connection }) => connection),
    row('new connections', (name) => String(tallies.get(name)?.recorded ?? 0)),
    row('  from one to the next, mean ms', (name) => show(apply(tallies.get(name), meanInterval))),
    row('  with the old identity after one with the new', (name) => String(late(name))),
    row('connections that failed', (name) => String(tallies.get(name)?.failed ?? 0)),
  ];
}

export function median(numbers: readonly (number | undefined)[]): number | undefined {
  const sorted = numbers.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

export function show(milliseconds: number | undefined): string {
  return milliseconds === undefined ? 'never' : milliseconds.toFixed(1);
}

/** A ratio to next to nothing says nothing; then it is the difference. */
function beside(value: number | undefined, reference: number | undefined): string {
  if (value === undefined || reference === undefined) return '-';
  if (reference >= SMALLEST_DIVISOR_MS) return `${(value / reference).toFixed(2)} x`;
  const difference = value - reference;
  return `${difference < 0 ? '-' : '+'}${Math.abs(difference).toFixed(1)} ms`;
}

function meanInterval({ recorded, withinMs }: Tally): number | undefined {
  return recorded === 0 ? undefined : withinMs / recorded;
}

function apply<T, R>(value: T | undefined, use: (value: T) => R): R | undefined {
  return value === undefined ? undefined : use(value);
}
