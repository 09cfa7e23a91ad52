// Gives the verifiers the largest and most twisted things that a peer, a file or an endpoint can send, each in a fresh
// process, and prints what refused, how long that took and how much memory the process needed beyond its input:
//   npm run hostile
//   npm run hostile -- --case "10,000"               those whose name holds the text
// Fails where something else refuses than should, or takes more than --cap-ms (2000) or --cap-mb (150).
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isSvidkitError } from 'svidkit/errors';
import { cases } from './hostile/cases.js';

interface Measured {
  readonly outcome: string;
  readonly milliseconds: number;
  readonly megabytes: number;
}

if (process.send === undefined) await main();
else process.once('message', (index: number) => void measure(index));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', default: '' },
      'cap-ms': { type: 'string', default: '2000' },
      'cap-mb': { type: 'string', default: '150' },
    },
  });
  console.log(`${''.padEnd(58)}${'outcome'.padEnd(20)}${'ms'.padStart(8)}${'MB'.padStart(8)}`);
  for (const [index, { name, expected }] of cases.entries()) {
    if (!name.includes(values.case)) continue;
    const { outcome, milliseconds, megabytes } = await inProcess(index);
    const good =
      outcome === expected && milliseconds <= Number(values['cap-ms']) && megabytes <= Number(values['cap-mb']);
    if (!good) process.exitCode = 1;
    const figures = `${milliseconds.toFixed(1).padStart(8)}${megabytes.toFixed(1).padStart(8)}`;
    console.log(`${name.padEnd(58)}${outcome.padEnd(20)}${figures}${good ? '' : `   FAILS, expected ${expected}`}`);
  }
}

function inProcess(index: number): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, { execArgv: [...process.execArgv, '--expose-gc'] });
    child.once('message', (measured: Measured) => resolve(measured));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the process of case ${index} ended with ${code}`)));
    child.send(index);
  });
}

async function measure(index: number): Promise<void> {
  const run = cases[index]?.prepare() ?? (() => undefined);
  globalThis.gc?.();
  const before = resetPeak();
  const started = performance.now();
  const outcome = await outcomeOf(run);
  const milliseconds = performance.now() - started;
  const megabytes = Math.max(0, peak() - before) / 1e6;
  process.send?.({ outcome, milliseconds, megabytes } satisfies Measured, () => process.disconnect());
}

async function outcomeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'accepted';
  } catch (error) {
    return isSvidkitError(error) ? error.code : String(error).slice(0, 60);
  }
}

/** Memory now, in bytes; on Linux the highest level so far is forgotten first (proc(5), clear_refs). */
function resetPeak(): number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
  return process.memoryUsage.rss();
}

function peak(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
