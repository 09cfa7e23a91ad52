import { type BundleSet, parseWitBundle } from '../bundle/index.js';
import { WorkloadApiError } from '../errors/index.js';
import { parseSpiffeId, type SpiffeId } from '../id/index.js';
import { parseWitSvid, type WitSvid } from '../wit/index.js';
import {
  type DeliveredBundles,
  firstOfEachHint,
  readDeliveredBundles,
  readHint,
  readPart,
  requireField,
} from './delivered.js';
import type { WITBundlesResponse, WITSVID, WITSVIDResponse } from './gen/workloadapi_pb.js';

/** The WIT-SVIDs of this workload with the bundles it may trust, as they were delivered last. Immutable. */
export interface WitContext {
  /** At least one, in the order of delivery. No two have the same hint. */
  readonly svids: readonly WitSvid[];
  /** The first of `svids`, which is the default identity (SPIFFE_Workload_API section 8). */
  readonly defaultSvid: WitSvid;
  /** One WIT bundle for each trust domain this workload may trust. */
  readonly bundles: BundleSet;
}

/**
 * Reads the answer of FetchWITSVID (SPIFFE_Workload_API section 7.2.1). Each SVID must follow the rules of the WIT-SVID
 * standard, be of the delivered identifier and belong to the delivered key; one that is not refuses the message.
 *
 * @throws `WorkloadApiError` `empty_field` or `bad_identity`.
 */
export function readWitSvids(message: WITSVIDResponse, requested?: SpiffeId): readonly WitSvid[] {
  requireField('WITSVIDResponse', 'svids', message.svids);
  const svids = Object.freeze(firstOfEachHint(message.svids).map(readSvid));
  const stranger = requested && svids.find((svid) => !svid.id.equals(requested));
  if (stranger) {
    throw new WorkloadApiError('bad_identity', `asked for ${requested}, the endpoint answered with ${stranger.id}`);
  }
  return svids;
}

/** Reads the answer of FetchWITBundles (SPIFFE_Workload_API section 7.2.2). */
export function readWitBundles(message: WITBundlesResponse): DeliveredBundles {
  return readDeliveredBundles('WITBundlesResponse', message.bundles, parseWitBundle);
}

/** Whether two deliveries have the same tokens with the same hints in the same order. */
export function sameWitSvids(one: readonly WitSvid[], other: readonly WitSvid[]): boolean {
  return one.length === other.length && one.every((svid, i) => sameAs(svid, other[i]));
}

function sameAs(svid: WitSvid, other: WitSvid | undefined): boolean {
  return other !== undefined && svid.equals(other);
}

function readSvid(entry: WITSVID): WitSvid {
  requireField('a WITSVID', 'spiffe_id', entry.spiffeId);
  requireField('a WITSVID', 'wit_svid', entry.witSvid);
  requireField('a WITSVID', 'wit_svid_key', entry.witSvidKey);
  return readPart('bad_identity', 'a WIT-SVID was delivered that does not hold together', () =>
    parseWitSvid(
      {
        token: entry.witSvid,
        privateKey: entry.witSvidKey,
        id: parseSpiffeId(entry.spiffeId),
        hint: readHint(entry.hint),
      },
      { profile: 'spiffe' },
    ),
  );
}
