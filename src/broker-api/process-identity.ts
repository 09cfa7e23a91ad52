import { readFileSync } from 'node:fs';

/** What tells a process apart from others that had or will have its number. */
interface Sighting {
  readonly alive: boolean;
  /** In clock ticks since the machine started; `undefined` where that cannot be seen. */
  readonly startedAt?: string;
}

/**
 * Remembers the process that has this number now. The returned function tells whether it still has it: on Linux also
 * whether it is the same process, elsewhere only whether there is one.
 */
export function rememberProcess(pid: number): () => boolean {
  const first = look(pid);
  return () => {
    if (!first.alive) return false;
    const now = look(pid);
    return now.alive && (first.startedAt === undefined || first.startedAt === now.startedAt);
  };
}

function look(pid: number): Sighting {
  return (process.platform === 'linux' ? readStat(pid) : undefined) ?? { alive: isThere(pid) };
}

/** proc(5): the name of the program, in parentheses, may hold anything; the state and the 20th field after it may not. */
function readStat(pid: number): Sighting | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const [state = '', ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startedAt = rest[18];
  if (startedAt === undefined) return undefined;
  // What has ended keeps its number until its parent asks how it ended.
  return { alive: !/^[ZXx]/.test(state), startedAt };
}

/** A process of another user is there even though it must not be signalled. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
