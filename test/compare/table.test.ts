import { describe, expect, it } from 'vitest';
import type { Result, Round } from '../../scripts/compare/course.js';
import { roundLine, stageTable } from '../../scripts/compare/table.js';

const tallies = new Map([
  ['ours', { recorded: 200, failed: 1, withinMs: 5_000 }],
  ['theirs', { recorded: 0, failed: 0, withinMs: 5_000 }],
]);

describe('the table of npm run compare', () => {
  it('has medians, ratios to one client, and what became of the connections', () => {
    const rounds = [
      round({ source: 1, connection: 30, late: 0 }, { source: 4, connection: 20, late: 1 }),
      round({ source: 3, connection: 10, late: 0 }, { source: 4, connection: 80, late: 2 }),
      round({ source: 2, connection: 90, late: 0 }, { source: 8, connection: 60, late: 0 }),
    ];
    expect(rounds.map(roundLine)[0]).toBe('ours 1.0 / 30.0, theirs 4.0 / 20.0');
    expect(cellsOf(rounds)).toEqual([
      ['ours', 'theirs'],
      ['2.0', '4.0'],
      ['0.50 x', '1.00 x'],
      ['30.0', '60.0'],
      ['0.50 x', '1.00 x'],
      ['200', '0'],
      ['25.0', 'never'],
      ['0', '3'],
      ['1', '0'],
    ]);
  });

  it('has a difference where there is next to nothing to divide by, and nothing for a client that gave up', () => {
    const gone = { source: undefined, connection: undefined, late: 0 };
    const early = cellsOf([round({ source: 3, connection: 10, late: 0 }, { source: 0.2, connection: 4, late: 0 })]);
    expect(early.slice(2, 5)).toEqual([
      ['+2.8 ms', '+0.0 ms'],
      ['10.0', '4.0'],
      ['2.50 x', '1.00 x'],
    ]);
    expect(cellsOf([round(gone, { source: 2, connection: 4, late: 0 })]).slice(1, 3)).toEqual([
      ['never', '2.0'],
      ['-', '1.00 x'],
    ]);
  });
});

function round(ours: Result, theirs: Result): Round {
  return {
    results: new Map([
      ['ours', ours],
      ['theirs', theirs],
    ]),
    observer: undefined,
  };
}

/** Each row without its label. */
function cellsOf(rounds: readonly Round[]): readonly (readonly string[])[] {
  return stageTable(rounds, tallies, 'theirs').map((line) => line.trim().split(/ {2,}/).slice(-2));
}
