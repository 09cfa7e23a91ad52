import { readFileSync } from 'node:fs';
import { isSvidkitError, WitError } from 'svidkit/errors';
import { createMemoryReplayStore, type ReplayStore } from 'svidkit/replay';
import type { Line, Understood } from './lines.js';
import { verifyHttpLine, verifyWitLine, verifyWptLine } from './verifiers.js';

/** What a verifier tells conformance/run.mjs. */
export type Answer =
  | { readonly id: string; readonly verdict: 'accept'; readonly understood: Understood }
  | {
      readonly id: string;
      readonly verdict: 'refuse';
      readonly part: 'wit' | 'proof';
      readonly reason: string;
      readonly detail: string;
    };

const reasonOf = readReasons();
let memory: { readonly name: string; readonly replay: ReplayStore } | undefined;

/** What svidkit makes of a case, in the words of the suite. Anything but a refusal comes through. */
export async function answerOf(line: Line): Promise<Answer> {
  const { id } = line;
  try {
    return { id, verdict: 'accept', understood: await verify(line) };
  } catch (error) {
    if (!isSvidkitError(error)) throw error;
    const code = `${error.name}.${error.code}`;
    const reason = reasonOf.get(code) ?? `(no reason is listed for ${code})`;
    const part = error instanceof WitError ? 'wit' : 'proof';
    return { id, verdict: 'refuse', part, reason, detail: `${code}: ${error.message}` };
  }
}

async function verify(line: Line): Promise<Understood> {
  switch (line.suite) {
    case 'wit':
      return await verifyWitLine(line);
    case 'wpt':
      return await verifyWptLine(line, memoryOf(line));
    case 'http-signature':
      return await verifyHttpLine(line, memoryOf(line));
  }
}

/** The used proofs of the cases that belong together, which come one after the other. */
function memoryOf({ remember, now }: Line): ReplayStore {
  if (memory?.name !== remember) {
    memory = { name: remember, replay: createMemoryReplayStore({ clock: () => now * 1000 }) };
  }
  return memory.replay;
}

function readReasons(): ReadonlyMap<string, string> {
  const text = readFileSync(new URL('../../conformance/reasons.json', import.meta.url), 'utf8');
  const { reasons } = JSON.parse(text) as { reasons: Record<string, { svidkit: readonly string[] }> };
  return new Map(Object.entries(reasons).flatMap(([reason, { svidkit }]) => svidkit.map((code) => [code, reason])));
}
