import { spawnSync } from 'node:child_process';

/** SPIRE tells workloads apart by the user they run as. */
export interface Users {
  /** The user of the test process. */
  readonly own: number;
  /** Another user, for child processes; the same one when this process may not change its user. */
  readonly other: number;
  /** Whether the two differ. */
  readonly distinct: boolean;
}

/** Any user identifier will do: a workload needs no account. */
const OTHER_UID = 61_001;

/** The user of the test process. */
export function ownUser(): number {
  const own = process.getuid?.();
  if (own === undefined) throw new Error('these tests need an operating system with user identifiers');
  return own;
}

/** Two users, where this process may choose; says so where it may not. */
export function twoUsers(): Users {
  const own = ownUser();
  if (own === 0 && mayBecome(OTHER_UID)) return { own, other: OTHER_UID, distinct: true };
  console.warn(
    'Not run by a root that may change its user: both ends run as one, and have one SPIFFE ID instead of two.',
  );
  return { own, other: own, distinct: false };
}

/** Root may not everywhere: some containers have no such user, or no such capability. */
function mayBecome(uid: number): boolean {
  return spawnSync('true', { uid, cwd: '/' }).status === 0;
}
