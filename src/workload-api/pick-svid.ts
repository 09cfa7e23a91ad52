import { WorkloadApiError } from '../errors/index.js';

/** Chooses one of the delivered identities. */
export type PickSvid<Svid> = (svids: readonly Svid[]) => Svid | undefined;

/** A delivery with the identity that was picked from it, once and for all. */
export interface Picked<Delivery, Svid> {
  readonly delivery: Delivery;
  readonly svid: Svid | undefined;
  /** Why there is no `svid`. */
  readonly problem: WorkloadApiError | undefined;
}

/** Picks the identity to present: the first, which is the default one, unless the caller knows better. */
export function pickSvid<Delivery, Svid>(
  delivery: Delivery,
  svids: readonly Svid[],
  pick: PickSvid<Svid> = ([first]) => first,
): Picked<Delivery, Svid> {
  let cause: unknown;
  try {
    const svid = pick(svids);
    if (svid !== undefined) return { delivery, svid, problem: undefined };
  } catch (error) {
    cause = error;
  }
  const problem = new WorkloadApiError('no_identity', `pick() chose none of the ${svids.length} delivered identities`, {
    cause,
  });
  return { delivery, svid: undefined, problem };
}
