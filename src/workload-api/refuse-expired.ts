import { WorkloadApiError } from '../errors/index.js';
import type { SpiffeId } from '../id/index.js';

/** What X.509-SVIDs and WIT-SVIDs have in common. */
interface AnySvid {
  readonly id: SpiffeId;
  readonly hint: string | undefined;
  readonly expiresAt: Date;
}

/** SVIDs as they are held, and those that were delivered. */
export interface UnexpiredSvids<Svid> {
  readonly svids: readonly Svid[];
  /** One `expired` for each SVID that had expired when it came. */
  readonly refusedSvids: readonly WorkloadApiError[];
}

/**
 * Refuses delivered SVIDs that have expired, as an agent with a slow clock or without its server delivers them. Each is
 * replaced by the one of the same SPIFFE ID that is held, while that has not expired. Without one it stays, and nobody
 * presents it. What the message no longer has is not kept.
 */
export function refuseExpired<Svid extends AnySvid>(
  delivered: readonly Svid[],
  held: readonly Svid[],
  now: number,
): UnexpiredSvids<Svid> {
  const isExpired = ({ expiresAt }: Svid): boolean => !(now < expiresAt.getTime());
  const expired = delivered.filter(isExpired);
  if (expired.length === 0) return { svids: delivered, refusedSvids: [] };

  const hints = new Set(delivered.map(({ hint }) => hint));
  const spare = new Set(held.filter((svid) => !isExpired(svid)));
  const replace = (svid: Svid): Svid => {
    const same = [...spare].filter(({ id }) => id.equals(svid.id));
    // No two SVIDs may have one hint (SPIFFE_Workload_API section 5.2.1).
    const found = same.find(({ hint }) => hint === svid.hint) ?? same.find(({ hint }) => !hints.has(hint));
    if (found === undefined) return svid;
    spare.delete(found);
    return found;
  };
  return {
    svids: Object.freeze(delivered.map((svid) => (isExpired(svid) ? replace(svid) : svid))),
    refusedSvids: expired.map(({ id, expiresAt }) => {
      return new WorkloadApiError(
        'expired',
        `an SVID of ${id} was delivered that had expired at ${expiresAt.toISOString()}; compare the clocks here and at the endpoint`,
      );
    }),
  };
}
