import { fork } from 'node:child_process';
import type { RedisReplayStoreOptions } from 'svidkit/replay';
import { superviseUntilExit } from '../../spire/support/processes.js';

/** `accepted`, a verdict of the store, or the code of a refusal. */
export type Outcome = string;

/** Proof 0 is made at `startAt`, in milliseconds since the epoch, and the others follow at a steady rate. */
export interface Schedule {
  readonly startAt: number;
  readonly perSecond: number;
}

/** What one process is to do. */
export interface PresenterTask {
  readonly url: string;
  readonly store: Omit<RedisReplayStoreOptions, 'client' | 'clock'>;
  /** The proofs to present, in this order. */
  readonly indices: readonly number[];
  /** How long each proof can be used after it was made, in milliseconds. */
  readonly lifetimeMs: number;
  /** Whether to present a proof again while the store cannot answer. */
  readonly persist: boolean;
  /** When proofs are made, which is when they are presented. Default: all as they are presented. */
  readonly schedule?: Schedule;
  /** How long after it was made this process presents a proof. Default 0. */
  readonly lateMs?: number;
  /** Header fields of whole requests, one for each proof: then these are authenticated. */
  readonly requests?: readonly (readonly string[])[];
  /** The public key that the WITs of the requests are signed with, in PEM. */
  readonly authority?: string;
}

export interface PresenterReport {
  readonly outcomes: [proof: number, outcome: Outcome][];
  /** Refusals for want of an answer, by code. */
  readonly refusals: Record<string, number>;
}

export interface RunOptions {
  /** Called with the number of presentations that are answered, of all processes together. */
  readonly onProgress?: (done: number) => void;
}

const PRESENTER = new URL('./presenter.ts', import.meta.url);

/** Runs one process for each task and gives their reports when all have ended. */
export async function present(tasks: readonly PresenterTask[], options: RunOptions = {}): Promise<PresenterReport[]> {
  const done = tasks.map(() => 0);
  return Promise.all(
    tasks.map(
      (task, process) =>
        new Promise<PresenterReport>((resolve, reject) => {
          const child = fork(PRESENTER, { execArgv: ['--import', 'tsx'] });
          const ended = superviseUntilExit(child);
          child.on('message', (message: { done?: number; report?: PresenterReport }) => {
            if (message.report !== undefined) resolve(message.report);
            done[process] = message.report?.outcomes.length ?? message.done ?? 0;
            options.onProgress?.(done.reduce((sum, count) => sum + count, 0));
          });
          void ended.then(() => reject(new Error('a presenting process ended before its report')));
          child.send(task);
        }),
    ),
  );
}

/** Deals each proof to two of four processes, so that both uses of it are presented at about the same time. */
export function dealTwice(proofs: number): number[][] {
  const hands: number[][] = [[], [], [], []];
  for (let proof = 0; proof < proofs; proof += 1) {
    hands[proof % 4]?.push(proof);
    hands[(proof + 1 + (Math.floor(proof / 4) % 3)) % 4]?.push(proof);
  }
  return hands;
}

/** How many proofs were accepted how often, and how often each other outcome came. */
export function tally(reports: readonly PresenterReport[]): {
  readonly acceptedTimes: Readonly<Record<number, number>>;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly refusals: Readonly<Record<string, number>>;
} {
  const accepted = new Map<number, number>();
  const outcomes: Record<Outcome, number> = {};
  const refusals: Record<string, number> = {};
  for (const report of reports) {
    for (const [proof, outcome] of report.outcomes) {
      accepted.set(proof, (accepted.get(proof) ?? 0) + (outcome === 'accepted' ? 1 : 0));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    for (const [code, times] of Object.entries(report.refusals)) refusals[code] = (refusals[code] ?? 0) + times;
  }
  const acceptedTimes: Record<number, number> = {};
  for (const times of accepted.values()) acceptedTimes[times] = (acceptedTimes[times] ?? 0) + 1;
  return { acceptedTimes, outcomes, refusals };
}

/** Prints how far a long run is, at most once every few seconds. */
export function progressOf(name: string, total: number): (done: number) => void {
  let shown = Date.now();
  return (done) => {
    if (done < total && Date.now() - shown < 5000) return;
    shown = Date.now();
    console.log(`${name}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} presentations`);
  };
}
