import { createInterface } from 'node:readline';
import { type Answer, answerOf } from './answer.js';
import type { Line } from './lines.js';

/** svidkit as a verifier for conformance/run.mjs: reads a line for each case and answers each with one. */
for await (const text of createInterface({ input: process.stdin })) {
  const answer: Answer = await answerOf(JSON.parse(text) as Line);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
