import { differs, explanationOf, type Judged, PEERS } from './compare.js';
import type { Departs, ExplainedDifference, Peer } from './difference.js';

/** Every explained difference with its clause, then the verdicts by kind of case. */
export function verdictTable(judged: readonly Judged[], explained: readonly ExplainedDifference[]): string {
  const kinds = [...new Set(judged.map(({ each }) => each.kind))];
  const rows = [...kinds, 'all'].map((kind) => {
    const own = kind === 'all' ? judged : judged.filter(({ each }) => each.kind === kind);
    const accepted = own.filter(({ ours }) => ours.verdict.startsWith('accept')).length;
    return [kind, String(own.length), String(accepted), ...PEERS.flatMap((peer) => counts(own, peer, explained))];
  });
  const heads = PEERS.flatMap((peer) => [`| ${peer}: agrees`, 'differs', '(peer', 'nobody', 'svidkit)', 'not offered']);
  return [
    ...PEERS.flatMap((peer) => ['', `Where ${peer} and svidkit differ:`, '', ...reasons(judged, peer, explained)]),
    '',
    'Cases by kind. A difference is counted under who departs from the clause that explains it.',
    '',
    ...aligned([['', 'cases', 'accepted', ...heads], ...rows]),
    '',
  ].join('\n');
}

function counts(judged: readonly Judged[], peer: Peer, explained: readonly ExplainedDifference[]): string[] {
  const offered = judged.filter(({ theirs }) => theirs[peer].verdict !== 'unsupported');
  const different = offered.filter((one) => differs(one, peer));
  const departing = (who: Departs): number =>
    different.filter((one) => explanationOf(one, peer, explained)?.departs === who).length;
  return [
    offered.length - different.length,
    different.length,
    departing('peer'),
    departing('nobody'),
    departing('svidkit'),
    judged.length - offered.length,
  ].map(String);
}

function reasons(judged: readonly Judged[], peer: Peer, explained: readonly ExplainedDifference[]): string[] {
  const different = judged.filter((one) => differs(one, peer));
  const groups = new Map<ExplainedDifference | undefined, string[]>();
  for (const one of different) {
    const reason = explanationOf(one, peer, explained);
    groups.set(reason, [...(groups.get(reason) ?? []), one.each.name]);
  }
  return [...groups].map(([reason, names]) => {
    const shown = names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
    if (reason === undefined) return `  unexplained: ${shown}`;
    const { theirs, ours, departs, clause, because } = reason;
    return `  ${shown}\n      ${peer}: ${theirs}; svidkit: ${ours}. ${clause} (departs: ${departs}). ${because}`;
  });
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}
