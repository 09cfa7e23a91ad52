import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Rows that the files of a run, each in a process of its own, put together for one table.
 *
 * @param name of the environment variable by which they find each other.
 */
export class RunRows<Row> {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** Begins a run; the returned function gives what was recorded and forgets it. */
  open(): () => Row[] {
    const folder = mkdtempSync(join(tmpdir(), 'svidkit-rows-'));
    const path = join(folder, 'rows');
    process.env[this.#name] = path;
    return () => {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
      rmSync(folder, { recursive: true, force: true });
      return lines.map((line) => JSON.parse(line) as Row);
    };
  }

  record(row: Row): void {
    const path = process.env[this.#name];
    if (path !== undefined) appendFileSync(path, `${JSON.stringify(row)}\n`);
  }
}

/** Columns as wide as their widest cell. */
export function drawTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const draw = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [draw(titles), draw(widths.map((width) => '-'.repeat(width))), ...rows.map(draw)].join('\n');
}
