export type Peer = 'go-spiffe' | 'py-spiffe';

/**
 * Who departs from the clause: the peer, svidkit, or nobody, because the clause leaves it open or two clauses disagree.
 * Where svidkit departs it is the stricter one, on purpose, and the reason is given.
 */
export type Departs = 'peer' | 'nobody' | 'svidkit';

/** Why a peer and svidkit say different things about some cases. */
export interface ExplainedDifference {
  readonly cases: readonly string[];
  readonly peers: readonly Peer[];
  /** `accept` or `refuse`, or the whole verdict where what was understood is the difference. */
  readonly theirs: string;
  readonly ours: string;
  readonly departs: Departs;
  readonly clause: string;
  readonly because: string;
}

/** Both ways in which two may differ without saying what they understood. */
export const THEY_ACCEPT = { theirs: 'accept', ours: 'refuse' } as const;
export const WE_ACCEPT = { theirs: 'refuse', ours: 'accept' } as const;

/** Whether a verdict is the one that an explanation names. */
export function isVerdict(verdict: string, named: string): boolean {
  return verdict === named || (named === 'accept' && verdict.startsWith('accept '));
}
