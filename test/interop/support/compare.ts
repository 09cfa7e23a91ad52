import type { InteropCase, Opinion } from './case.js';
import { type ExplainedDifference, isVerdict, type Peer } from './difference.js';

/** A case with what everybody makes of it. */
export interface Judged {
  readonly each: InteropCase;
  readonly ours: Opinion;
  readonly theirs: Readonly<Record<Peer, Opinion>>;
}

export const PEERS: readonly Peer[] = ['go-spiffe', 'py-spiffe'];

/** Whether a peer has an opinion, and another one than svidkit. */
export function differs({ ours, theirs }: Judged, peer: Peer): boolean {
  const { verdict } = theirs[peer];
  return verdict !== 'unsupported' && verdict !== ours.verdict;
}

/** The explanation of a difference, if its verdicts are the ones that it names. */
export function explanationOf(
  { each, ours, theirs }: Judged,
  peer: Peer,
  explained: readonly ExplainedDifference[],
): ExplainedDifference | undefined {
  return explained.find(
    (one) =>
      one.peers.includes(peer) &&
      one.cases.includes(each.name) &&
      isVerdict(theirs[peer].verdict, one.theirs) &&
      isVerdict(ours.verdict, one.ours),
  );
}

/** Explanations of what is not, or no longer, so: each with the case and the peer. */
export function outdated(judged: readonly Judged[], explained: readonly ExplainedDifference[]): string[] {
  const byName = new Map(judged.map((one) => [one.each.name, one]));
  return explained.flatMap((explanation) =>
    explanation.cases.flatMap((name) =>
      explanation.peers.flatMap((peer) => {
        const one = byName.get(name);
        if (one === undefined) return [`${name}: there is no such case`];
        const occurs = differs(one, peer) && explanationOf(one, peer, [explanation]) !== undefined;
        return occurs ? [] : [`${name}: ${peer} says ${one.theirs[peer].verdict}, svidkit ${one.ours.verdict}`];
      }),
    ),
  );
}

/** Differences that are explained more than once. */
export function repeated(explained: readonly ExplainedDifference[]): string[] {
  const seen = new Set<string>();
  return explained
    .flatMap(({ cases, peers }) => cases.flatMap((name) => peers.map((peer) => `${peer}, ${name}`)))
    .filter((text) => seen.size === seen.add(text).size);
}
