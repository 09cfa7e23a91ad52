import { count, list } from '../../support/figures.js';
import type { Presenters, Proof, Report } from './presenters.js';

export interface RunOptions {
  /** What the run is called in its figures. */
  readonly name: string;
  readonly proofs: number;
  /** How many of them are minted, and then presented, at a time. */
  readonly perBatch: number;
  readonly lifetimeSeconds: number;
  /**
   * When the second of its two presentations comes, each at another process: of all proofs together with the first, or
   * of every other one with the batch after its own.
   */
  readonly second: 'at once' | 'half a batch later';
  /** Called with the number of presentations that have their verdict. */
  readonly onDone?: (done: number) => void;
}

export interface Tally {
  /** How many proofs were accepted how often. */
  readonly acceptedTimes: Readonly<Record<number, number>>;
  /** How often each verdict came: two for each proof. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How often there was no verdict, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** The number of the last minted proof that was accepted. */
  readonly lastAccepted: number;
}

/** Mints all proofs in batches, each just before it is presented, has each presented twice, and keeps the figures. */
export async function presentTwice(presenters: Presenters, options: RunOptions): Promise<Tally> {
  const { name, proofs, perBatch, lifetimeSeconds, second, onDone = () => undefined } = options;
  const accepted = new Uint8Array(proofs);
  const outcomes: Record<string, number> = {};
  const refusals: Record<string, number> = {};
  const started = Date.now();
  const progress = progressOf(name, 2 * proofs);
  let late: Proof[] = [];
  let before = 0;
  for (let from = 0; from < proofs || late.length > 0; from += perBatch) {
    const numbers = Array.from({ length: Math.max(0, Math.min(perBatch, proofs - from)) }, (_, index) => from + index);
    const minted = await presenters.mint(numbers, lifetimeSeconds);
    const isLate = ([number]: Proof): boolean => second === 'half a batch later' && number % 2 === 1;
    const hands = deal(minted, [...minted.filter((proof) => !isLate(proof)), ...late]);
    late = minted.filter(isLate);
    const reports = await presenters.present(hands, (done) => {
      progress(before + done);
      onDone(before + done);
    });
    before += hands.flat().length;
    for (const report of reports) addUp(report, accepted, outcomes, refusals);
  }
  const acceptedTimes: Record<number, number> = {};
  for (const times of accepted) acceptedTimes[times] = (acceptedTimes[times] ?? 0) + 1;
  const lastAccepted = accepted.findLastIndex((times) => times > 0);
  const tally = { acceptedTimes, outcomes, refusals, lastAccepted };
  keepFigures(name, proofs, (Date.now() - started) / 1000, tally);
  return tally;
}

/** Deals first and second presentations to four hands, never both of a proof to one, and mixes them in each. */
function deal(first: readonly Proof[], second: readonly Proof[]): Proof[][] {
  const hands: [position: number, proof: Proof][][] = [[], [], [], []];
  first.forEach((proof, index) => {
    hands[proof[0] % 4]?.push([index / first.length, proof]);
  });
  second.forEach((proof, index) => {
    const [number] = proof;
    hands[(number + 1 + (Math.floor(number / 4) % 3)) % 4]?.push([index / second.length, proof]);
  });
  return hands.map((hand) => hand.sort(([a], [b]) => a - b).map(([, proof]) => proof));
}

function addUp(
  report: Report,
  accepted: Uint8Array,
  outcomes: Record<string, number>,
  refusals: Record<string, number>,
): void {
  for (const [number, outcome] of report.outcomes) {
    if (outcome === 'accepted') accepted[number] = (accepted[number] ?? 0) + 1;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  for (const [code, times] of Object.entries(report.refusals)) refusals[code] = (refusals[code] ?? 0) + times;
}

/** Prints how far a long run is, at most once every few seconds. */
function progressOf(name: string, total: number): (done: number) => void {
  let shown = Date.now();
  return (done) => {
    if (Date.now() - shown < 5000) return;
    shown = Date.now();
    console.log(`${name}: ${count(done)} of ${count(total)} presentations`);
  };
}

const figures: string[] = [];

function keepFigures(
  name: string,
  proofs: number,
  seconds: number,
  { acceptedTimes, outcomes, refusals }: Tally,
): void {
  figures.push(
    `${name}: ${count(proofs)} proofs, each presented twice, minted and verified in ${seconds.toFixed(1)} s,`,
    `  ${count((2 * proofs) / seconds)} presentations a second; verdicts: ${list(outcomes)};`,
    `  accepted so many times: ${Object.entries(acceptedTimes)
      .map(([times, of]) => `${times}: ${count(of)}`)
      .join(', ')}; answers without a verdict: ${list(refusals) || 'none'}`,
  );
}

/** What all runs of this file came to. */
export function printFigures(): void {
  console.log(figures.join('\n'));
}
