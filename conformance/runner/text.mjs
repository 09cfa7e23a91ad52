import { STATUSES } from './judge.mjs';

/** Columns that are there even when they are empty. */
const ALWAYS = ['cases', 'passed', 'skipped', 'differs'];

/** The report for people: what did not pass, by what became of it, and then the table. */
export function textOf({ suites, all, cases }) {
  const lists = STATUSES.slice(1).map((status) => [status, cases.filter((each) => each.status === status)]);
  const found = lists.filter(([, own]) => own.length > 0);
  return [...found.map(([status, own]) => listOf(status, own)), table(suites, all)].join('\n\n');
}

function listOf(status, cases) {
  const lines = cases.flatMap(({ id, requirement, clause, detail }) => [
    `  ${id}  [${requirement}: ${clause}]`,
    `      ${detail}`,
  ]);
  return [`${status}:`, ...lines].join('\n');
}

function table(suites, all) {
  const columns = ['cases', ...STATUSES].filter((name) => ALWAYS.includes(name) || all[name] > 0);
  const rows = [...suites, { suite: 'all', ...all }].map((row) => [
    row.suite,
    ...columns.map((name) => `${row[name]}`),
  ]);
  const cells = [['', ...columns], ...rows];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ');
  return cells.map(line).join('\n');
}
