import { drawTable, RunRows } from '../../support/run-rows.js';

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

const faults = new RunRows<FaultRow>('SVIDKIT_FAULT_TABLE');

/** Begins a table for the run; the returned function prints it. */
export function openFaultTable(): () => void {
  const close = faults.open();
  return () => {
    const rows = close();
    if (rows.length > 0) console.log(`\nFaults of a real SPIRE\n${drawTable(TITLES, rows.map(cellsOf))}\n`);
  };
}

export function recordFault(row: FaultRow): void {
  faults.record(row);
}

const COLUMNS = ['group', 'fault', 'served', 'withheld', 'lost', 'misused', 'longestGapMs', 'client'] as const;
const TITLES: readonly string[] = ['group', 'fault', 'served', 'withheld', 'lost', 'misused', 'gap ms', 'client'];

function cellsOf(row: FaultRow): string[] {
  return COLUMNS.map((column) => String(row[column] ?? '-'));
}
