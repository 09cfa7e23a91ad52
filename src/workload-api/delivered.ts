import { BundleSet, type JwtBundle, type WitBundle, type X509Bundle } from '../bundle/index.js';
import { isSvidkitError, WorkloadApiError, type WorkloadApiErrorCode } from '../errors/index.js';
import { parseSpiffeId, type TrustDomain } from '../id/index.js';
import { quote } from '../internal/quote.js';
import { ReadError } from '../internal/read-error.js';

/** The trust bundles of one message: they replace everything that was delivered before. */
export interface DeliveredBundles {
  /** One bundle for each trust domain this workload may trust. */
  readonly bundles: BundleSet;
  /** Certificate revocation lists in DER, as they came; X.509 only. A source gives them read: `getX509Crls()`. */
  readonly crls: readonly Uint8Array[];
  /**
   * Why bundles of the message were left out of `bundles`. A trust domain whose bundle cannot be read is not trusted,
   * and must not keep the others from being renewed.
   */
  readonly refusedBundles: readonly WorkloadApiError[];
}

type AnyBundle = X509Bundle | JwtBundle | WitBundle;

/** Refuses a mandatory field that is empty (SPIFFE_Workload_API section 4.5). */
export function requireField(message: string, field: string, value: { readonly length: number }): void {
  if (value.length === 0) throw new WorkloadApiError('empty_field', `${message} came without its mandatory ${field}`);
}

/** Reads a part of a message, and reports what its reader refused as a fault of the message. */
export function readPart<T>(code: WorkloadApiErrorCode & `bad_${string}`, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isSvidkitError(error) && !(error instanceof ReadError)) throw error;
    throw new WorkloadApiError(code, `${what}: ${error.message}`, { cause: error });
  }
}

/** Drops entries that repeat a non-empty hint: the first one is meant (SPIFFE_Workload_API section 5.2.1). */
export function firstOfEachHint<T extends { readonly hint: string }>(entries: readonly T[]): readonly T[] {
  const seen = new Set<string>();
  return entries.filter(({ hint }) => {
    if (hint === '') return true;
    if (seen.has(hint)) return false;
    seen.add(hint);
    return true;
  });
}

/** The hint as the values of svidkit have it: an empty one is none. */
export function readHint(hint: string): string | undefined {
  return hint === '' ? undefined : hint;
}

/** Reads a map from trust domain to bundle, leaving out what cannot be read. */
export function readBundleMap<Raw, Bundle extends AnyBundle>(
  entries: Readonly<Record<string, Raw>>,
  read: (trustDomain: TrustDomain, raw: Raw) => Bundle,
): { readonly read: readonly Bundle[]; readonly refused: readonly WorkloadApiError[] } {
  const bundles: Bundle[] = [];
  const refused: WorkloadApiError[] = [];
  for (const [key, raw] of Object.entries(entries)) {
    try {
      bundles.push(readPart('bad_bundle', `the bundle of ${quote(key)}`, () => read(readKey(key), raw)));
    } catch (error) {
      if (!(error instanceof WorkloadApiError)) throw error;
      refused.push(error);
    }
  }
  return { read: bundles, refused };
}

/** Reads the `bundles` of a message that has nothing else that is mandatory. */
export function readDeliveredBundles<Raw, Bundle extends AnyBundle>(
  message: string,
  entries: Readonly<Record<string, Raw>>,
  read: (trustDomain: TrustDomain, raw: Raw) => Bundle,
  crls: readonly Uint8Array[] = [],
): DeliveredBundles {
  requireField(message, 'bundles', Object.keys(entries));
  const map = readBundleMap(entries, read);
  const [first] = map.refused;
  if (map.read.length === 0 && first !== undefined) throw first;
  return Object.freeze({
    bundles: new BundleSet(map.read),
    crls: Object.freeze([...crls]),
    refusedBundles: Object.freeze(map.refused),
  });
}

/** Whether two deliveries of bundles mean the same. */
export function sameBundles(one: DeliveredBundles, other: DeliveredBundles): boolean {
  return one.bundles.equals(other.bundles) && sameCrls(one.crls, other.crls);
}

function sameCrls(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return one.length === other.length && one.every((crl, i) => Buffer.compare(crl, other[i] ?? new Uint8Array()) === 0);
}

/** Bundles are keyed by the SPIFFE ID of their trust domain, which is one without a path. */
function readKey(key: string): TrustDomain {
  const id = parseSpiffeId(key);
  if (id.path !== '') throw new WorkloadApiError('bad_bundle', 'the key names a workload, not a trust domain');
  return id.trustDomain;
}
