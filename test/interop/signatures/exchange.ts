import type { Departs } from '../support/difference.js';

type Verdict = 'accept' | 'refuse' | 'unsupported' | 'crash';

/** What a peer made of a task; what it signed or understood is the output. */
export interface Answer {
  readonly name: string;
  readonly verdict: Verdict;
  readonly detail?: string;
  readonly output?: unknown;
}

/** Who signs; the other one verifies. */
export type Direction = 'svidkit signs' | 'peer signs';

export const DIRECTIONS: readonly Direction[] = ['svidkit signs', 'peer signs'];

/** One thing that one of the two signed, and what the other made of it. */
export interface Exchange<P extends string = string> {
  readonly peer: P;
  readonly direction: Direction;
  /** Of the case. */
  readonly name: string;
  readonly alg: string;
  readonly expected: 'accept' | 'refuse';
  /** `unsupported`: the peer does not offer it. */
  readonly verdict: Verdict;
  readonly detail: string;
}

/** Why an exchange ended otherwise than expected. */
export interface ExchangeDifference<P extends string = string> {
  readonly peers: readonly P[];
  /** Default both. */
  readonly direction?: Direction;
  readonly cases: readonly string[];
  /** Default every algorithm of the cases. */
  readonly algorithms?: readonly string[];
  readonly verdict: Verdict;
  /** `offer`: the peer does not claim to do this, and departs from nothing. */
  readonly departs: Departs | 'offer';
  readonly clause: string;
  readonly because: string;
}

function isExpected({ expected, verdict }: Exchange): boolean {
  return verdict === expected;
}

function explains({ peers, direction, cases, algorithms, verdict }: ExchangeDifference, exchange: Exchange): boolean {
  return (
    peers.includes(exchange.peer) &&
    (direction === undefined || direction === exchange.direction) &&
    cases.includes(exchange.name) &&
    (algorithms === undefined || algorithms.includes(exchange.alg)) &&
    verdict === exchange.verdict
  );
}

/** Exchanges that ended otherwise than expected and that nothing explains, as sentences. */
export function unexplained(exchanges: readonly Exchange[], explained: readonly ExchangeDifference[]): string[] {
  return exchanges
    .filter((one) => !isExpected(one) && !explained.some((difference) => explains(difference, one)))
    .map((one) => `${describe(one)}: ${one.verdict} instead of ${one.expected}. ${one.detail}`);
}

/** Explanations of what does not, or no longer, occur: for each of their peers, directions and cases. */
export function outdated(exchanges: readonly Exchange[], explained: readonly ExchangeDifference[]): string[] {
  const differing = exchanges.filter((one) => !isExpected(one));
  return explained.flatMap((difference) =>
    difference.peers.flatMap((peer) =>
      (difference.direction === undefined ? DIRECTIONS : [difference.direction]).flatMap((direction) =>
        difference.cases
          .filter(
            (name) =>
              !differing.some((one) => explains({ ...difference, peers: [peer], direction, cases: [name] }, one)),
          )
          .map((name) => `${peer}, ${direction}, ${name}: ${difference.verdict} does not occur`),
      ),
    ),
  );
}

/** Exchanges that two explanations speak of. */
export function repeated(exchanges: readonly Exchange[], explained: readonly ExchangeDifference[]): string[] {
  return exchanges
    .filter((one) => !isExpected(one) && explained.filter((difference) => explains(difference, one)).length > 1)
    .map(describe);
}

/** Peers by direction and algorithm: exchanges as expected, explained ones, and those that are not offered. */
export function exchangeTable(exchanges: readonly Exchange[], explained: readonly ExchangeDifference[]): string {
  const algorithms = [...new Set(exchanges.map(({ alg }) => alg))];
  const rows = [...new Set(exchanges.map(({ peer }) => peer))].flatMap((peer) =>
    DIRECTIONS.map((direction) => {
      const own = exchanges.filter((one) => one.peer === peer && one.direction === direction);
      const cells = algorithms.map((alg) => cell(own.filter((one) => one.alg === alg)));
      return [`${peer}, ${direction}`, ...cells];
    }),
  );
  const table = [['as expected / explained / not offered', ...algorithms], ...rows];
  const widths = algorithms.map((_, column) => Math.max(...table.map((row) => (row[column + 1] ?? '').length)));
  const first = Math.max(...table.map(([head]) => (head ?? '').length));
  const lines = table.map(([head = '', ...cells]) =>
    [head.padEnd(first), ...cells.map((text, column) => text.padStart(widths[column] ?? 0))].join('  '),
  );
  return ['', ...lines, '', ...explained.map(sentence), ''].join('\n');
}

function cell(exchanges: readonly Exchange[]): string {
  if (exchanges.length === 0) return '-';
  const asExpected = exchanges.filter(isExpected).length;
  const notOffered = exchanges.filter(({ verdict }) => verdict === 'unsupported').length;
  return [asExpected, exchanges.length - asExpected - notOffered, notOffered].join('/');
}

function sentence({
  peers,
  direction,
  cases,
  algorithms,
  verdict,
  departs,
  clause,
  because,
}: ExchangeDifference): string {
  const which = algorithms === undefined ? cases.join(', ') : `${cases.join(', ')} (${algorithms.join(', ')})`;
  return `  ${peers.join(', ')}; ${direction ?? 'both directions'}; ${which}: ${verdict}\n      ${clause} (departs: ${departs}). ${because}`;
}

function describe({ peer, direction, name, alg }: Exchange): string {
  return `${peer}, ${direction}, ${name}, ${alg}`;
}
