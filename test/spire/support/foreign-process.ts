import { spawn } from 'node:child_process';
import { superviseUntilExit } from './processes.js';

/** A process of some user that does nothing until it is ended: a workload in whose name a broker asks. */
export interface ForeignProcess extends AsyncDisposable {
  readonly pid: number;
  end(): Promise<void>;
}

export function startForeignProcess(uid: number): ForeignProcess {
  const child = spawn('sleep', ['600'], { cwd: '/', stdio: 'ignore', uid });
  const exited = superviseUntilExit(child);
  if (child.pid === undefined) throw new Error('no process was started');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return { pid: child.pid, end, [Symbol.asyncDispose]: end };
}
