import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One fault of the table that is printed at the end of the run. */
export interface FaultRow {
  readonly group: string;
  readonly fault: string;
  /** What the client did about it, as the test has asserted it. */
  readonly client: string;
  readonly served?: number;
  readonly withheld?: number;
  readonly lost?: number;
  readonly misused?: number;
  readonly longestGapMs?: number;
}

/** How the files of a run, each in a process of its own, find the one table. */
const VARIABLE = 'SVIDKIT_FAULT_TABLE';

/** Begins a table for the run; the returned function prints and removes it. */
export function openFaultTable(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'svidkit-faults-'));
  const path = join(folder, 'rows');
  process.env[VARIABLE] = path;
  return () => {
    if (existsSync(path)) console.log(render(readFileSync(path, 'utf8').trim().split('\n')));
    rmSync(folder, { recursive: true, force: true });
  };
}

export function recordFault(row: FaultRow): void {
  const path = process.env[VARIABLE];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(row)}\n`);
}

const COLUMNS = ['group', 'fault', 'served', 'withheld', 'lost', 'misused', 'longestGapMs', 'client'] as const;
const TITLES: readonly string[] = ['group', 'fault', 'served', 'withheld', 'lost', 'misused', 'gap ms', 'client'];

function render(lines: readonly string[]): string {
  const rows = lines.map((line) => {
    const row: FaultRow = JSON.parse(line);
    return COLUMNS.map((column) => String(row[column] ?? '-'));
  });
  const widths = TITLES.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const draw = (cells: readonly string[]): string => {
    return cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  };
  return [
    '',
    'Faults of a real SPIRE',
    draw(TITLES),
    draw(widths.map((width) => '-'.repeat(width))),
    ...rows.map(draw),
    '',
  ].join('\n');
}
