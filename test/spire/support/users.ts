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
  if (own === 0) return { own, other: OTHER_UID, distinct: true };
  console.warn('Not run as root: both ends run as one user, and so have one SPIFFE ID instead of two.');
  return { own, other: own, distinct: false };
}
