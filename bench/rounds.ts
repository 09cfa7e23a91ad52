// Times several ways to do a thing in turns, and takes the fastest turn of each, so that what else the machine does
// matters little.

export interface Subject {
  readonly name: string;
  readonly run: () => unknown;
}

const ROUNDS = 400;
const TURN_MS = 2;
const WARM_UP_MS = 400;

/** Prints how long each takes and how that compares with the first. */
export async function compare(title: string, subjects: readonly Subject[], rounds: number = ROUNDS): Promise<void> {
  for (const subject of subjects) await turn(subject, WARM_UP_MS);
  const fastest = subjects.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, subject] of subjects.entries()) {
      fastest[index] = Math.min(fastest[index] ?? 0, await turn(subject, TURN_MS));
    }
  }
  const [base = Number.NaN] = fastest;
  console.log(`\n${title}`);
  for (const [index, { name }] of subjects.entries()) {
    const mine = fastest[index] ?? Number.NaN;
    const figures = `${(mine * 1000).toFixed(1).padStart(8)} us  ${(mine / base).toFixed(2).padStart(6)} x`;
    console.log(`  ${name.padEnd(52)} ${figures}`);
  }
}

/** Turns long enough to hold many requests, and few enough for a run to end. */
const LONG_TURN_MS = 120;
const LONG_ROUNDS = 15;

/**
 * Prints how often each is done in a second, in the median of its turns, and how that compares with the first: the median
 * of the rounds' own ratios, because what slows a round down slows down all of it. The second ratio is of the processor
 * time that each takes, which tells more where the machine has other work to do.
 *
 * @param size how many times one run does it.
 */
export async function throughput(title: string, subjects: readonly Subject[], size: number): Promise<void> {
  for (const subject of subjects) await turn(subject, WARM_UP_MS);
  const [rates, efforts]: [number[][], number[][]] = [subjects.map(() => []), subjects.map(() => [])];
  for (let round = 0; round < LONG_ROUNDS; round += 1) {
    // Each goes first in its turn, so that none always follows the same one.
    for (let step = 0; step < subjects.length; step += 1) {
      const index = (round + step) % subjects.length;
      const subject = subjects[index];
      if (subject === undefined) continue;
      const { milliseconds, processor } = await measured(subject, LONG_TURN_MS);
      rates[index]?.push((size * 1000) / milliseconds);
      efforts[index]?.push(1 / processor);
    }
  }
  const ratio = (figures: readonly (readonly number[])[], index: number): string =>
    median((figures[index] ?? []).map((figure, round) => figure / (figures[0]?.[round] ?? Number.NaN))).toFixed(2);
  console.log(`\n${title}`);
  for (const [index, { name }] of subjects.entries()) {
    const figures = [
      `${median(rates[index] ?? [])
        .toFixed(0)
        .padStart(8)} /s`,
      `${ratio(rates, index).padStart(6)} x`,
    ];
    console.log(`  ${name.padEnd(52)} ${figures.join(' ')} ${ratio(efforts, index).padStart(6)} x by processor time`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function turn(subject: Subject, milliseconds: number): Promise<number> {
  return (await measured(subject, milliseconds)).milliseconds;
}

/** What one run takes, by the clock and of the processors. */
async function measured(
  { run }: Subject,
  milliseconds: number,
): Promise<{ readonly milliseconds: number; readonly processor: number }> {
  const before = process.cpuUsage();
  const started = performance.now();
  const end = started + milliseconds;
  let now = started;
  let count = 0;
  while (now < end) {
    const result = run();
    if (result instanceof Promise) await result;
    count += 1;
    now = performance.now();
  }
  const { user, system } = process.cpuUsage(before);
  return { milliseconds: (now - started) / count, processor: (user + system) / 1000 / count };
}
