import { BundleSet, parseX509Bundle, type X509Bundle } from '../bundle/index.js';
import { WorkloadApiError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import type { X509Svid } from '../x509-svid/index.js';
import {
  type DeliveredBundles,
  firstOfEachHint,
  readBundleMap,
  readDeliveredBundles,
  readPart,
  requireField,
  sameBundles,
} from './delivered.js';
import type { X509BundlesResponse, X509SVIDResponse } from './gen/workloadapi_pb.js';
import { type ReadX509Svids, type X509SvidMessage, x509SvidReader } from './read-x509-svids.js';

/**
 * The X.509-SVIDs of this workload with all the bundles it may trust, as one message delivered them. Immutable: the
 * next message makes another one.
 */
export interface X509Context extends DeliveredBundles {
  /** At least one, in the order of delivery. No two have the same hint. */
  readonly svids: readonly X509Svid[];
  /** The first of `svids`, which is the default identity (SPIFFE_Workload_API section 8). */
  readonly defaultSvid: X509Svid;
}

/** The answer that carries X.509-SVIDs. */
export interface X509SvidsMessage extends Pick<X509SVIDResponse, 'crl' | 'federatedBundles'> {
  readonly svids: readonly X509SvidMessage[];
}

/** The answer that carries X.509 bundles. */
export type X509BundlesMessage = Pick<X509BundlesResponse, 'bundles' | 'crl'>;

/**
 * Reads the answer of FetchX509SVID (SPIFFE_Workload_API section 5.2.1). An SVID that does not hold together refuses the
 * message as a whole; a foreign bundle that cannot be read is left out.
 *
 * @param readSvids that of the stream, which knows the message before. Default: one that knows none.
 * @param held the delivery before, whose bundles are not read again where they are the same. Default: none.
 * @throws `WorkloadApiError` `empty_field`, `bad_identity` or `bad_bundle`.
 */
export function readX509Context(
  message: X509SvidsMessage,
  readSvids: ReadX509Svids = x509SvidReader(),
  held?: DeliveredBundles,
): X509Context {
  requireField('X509SVIDResponse', 'svids', message.svids);
  const entries = firstOfEachHint(message.svids);
  const svids = readSvids(entries);
  const [defaultSvid] = svids;
  if (defaultSvid === undefined) throw new WorkloadApiError('empty_field', 'X509SVIDResponse came without svids');

  const bundles = readOwnBundles(entries, svids, held);
  const refusedBundles: WorkloadApiError[] = [];
  const federated = readBundleMap(message.federatedBundles, bundleReader(held));
  for (const bundle of federated.read) {
    const known = bundles.get(bundle.trustDomain.toString());
    if (known === undefined) bundles.set(bundle.trustDomain.toString(), bundle);
    else if (!known.equals(bundle)) refusedBundles.push(twoBundles(bundle.trustDomain));
  }
  return Object.freeze({
    svids,
    defaultSvid,
    bundles: new BundleSet(bundles.values()),
    crls: Object.freeze([...message.crl]),
    refusedBundles: Object.freeze([...federated.refused, ...refusedBundles]),
  });
}

/** The same delivery with other SVIDs, of which there must be one. */
export function withSvids(context: X509Context, svids: readonly X509Svid[]): X509Context {
  return Object.freeze({ ...context, svids, defaultSvid: svids[0] ?? context.defaultSvid });
}

/**
 * Reads the answer of FetchX509Bundles (SPIFFE_Workload_API section 5.2.2).
 *
 * @param held the delivery before, as for {@link readX509Context}.
 */
export function readX509Bundles(message: X509BundlesMessage, held?: DeliveredBundles): DeliveredBundles {
  return readDeliveredBundles('X509BundlesResponse', message.bundles, bundleReader(held), message.crl);
}

/** Whether two deliveries mean the same: the same SVIDs in the same order, the same bundles and revocation lists. */
export function sameX509Context(one: X509Context, other: X509Context): boolean {
  const sameSvids =
    one.svids.length === other.svids.length && one.svids.every((svid, i) => sameAs(svid, other.svids[i]));
  return sameSvids && sameBundles(one, other);
}

function sameAs(svid: X509Svid, other: X509Svid | undefined): boolean {
  return other !== undefined && svid.equals(other);
}

/**
 * SVIDs of one trust domain each bring its bundle, and each must bring the same. Of thousands of SVIDs all but the first
 * bring the very same bytes, which are not read again.
 */
function readOwnBundles(
  entries: readonly X509SvidMessage[],
  svids: readonly X509Svid[],
  held: DeliveredBundles | undefined,
): Map<string, X509Bundle> {
  const bundles = new Map<string, X509Bundle>();
  const read = new Map<string, Uint8Array>();
  entries.forEach(({ bundle: der }, i) => {
    const trustDomain = svids[i]?.id.trustDomain;
    if (trustDomain === undefined) return;
    const key = trustDomain.toString();
    const same = read.get(key);
    if (same !== undefined && Buffer.compare(same, der) === 0) return;
    const bundle = readPart('bad_bundle', `the bundle of ${key}`, () => readX509Bundle(trustDomain, der, held));
    const known = bundles.get(key);
    if (known !== undefined && !known.equals(bundle)) throw twoBundles(trustDomain);
    bundles.set(key, bundle);
    read.set(key, der);
  });
  return bundles;
}

function bundleReader(held: DeliveredBundles | undefined): (trustDomain: TrustDomain, der: Uint8Array) => X509Bundle {
  return (trustDomain, der) => readX509Bundle(trustDomain, der, held);
}

/**
 * Every rotation delivers all bundles once more. One that is held, and would be written as these very bytes, is not read
 * again.
 */
function readX509Bundle(trustDomain: TrustDomain, der: Uint8Array, held: DeliveredBundles | undefined): X509Bundle {
  const known = held?.bundles.getX509Bundle(trustDomain);
  const isSame = known !== undefined && known.ignored.length === 0 && Buffer.compare(known.toDer(), der) === 0;
  return isSame ? known : parseX509Bundle(trustDomain, der);
}

function twoBundles(trustDomain: TrustDomain): WorkloadApiError {
  return new WorkloadApiError('bad_bundle', `the message has two different bundles for ${trustDomain}`);
}
