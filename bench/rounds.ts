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

/** Milliseconds for one run. */
async function turn({ run }: Subject, milliseconds: number): Promise<number> {
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
  return (now - started) / count;
}
