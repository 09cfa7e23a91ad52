import { parseSpiffeBundle, type SpiffeBundle } from '../bundle/index.js';
import { FederationError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import { openScope } from '../internal/abort.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { holdProcess } from '../internal/hold-process.js';
import { parseEndpointUrl } from './endpoint-url.js';
import { httpsGet } from './https-get.js';
import { type EndpointProfile, readProfile, type ServerChecks } from './profile.js';

/**
 * Where the bundle of another trust domain is, and how to tell that it is the right place. The three mandatory
 * parameters decide whose identities are believed, so none is ever taken from another (SPIFFE_Federation sections 5.1
 * and 7.2).
 */
export interface BundleEndpointOptions {
  /** Whose bundle it is: the document does not say. Only a SPIFFE trust domain. */
  readonly trustDomain: TrustDomainLike;
  /** An `https` URL without user information. Asked directly: proxies are not supported. */
  readonly url: string;
  readonly profile: EndpointProfile;
  /** Longest time of one fetch, redirects included, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Longest document in bytes. Default and most: 1,048,576. */
  readonly maxBytes?: number | undefined;
  /**
   * How many redirects in a row are followed, from 0 to 5. Default 5. With 0 the bundle comes from the configured server
   * or not at all, as section 7.5.1 advises where the hosts that it could send to are less well kept.
   */
  readonly maxRedirects?: number | undefined;
  /** Milliseconds since the epoch, by which the endpoint's X.509-SVID is valid. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

export interface FetchSpiffeBundleOptions extends BundleEndpointOptions {
  /** Ends the fetch with the reason of the abort. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches the SPIFFE bundle of a trust domain from its endpoint, once. Up to five redirects are followed, to servers
 * that pass the same check; `maxRedirects` allows fewer.
 *
 * @throws `FederationError` with one of the codes on the way to the endpoint and about its answer.
 * @throws `TypeError` or `IdError` when an option is missing or wrong.
 */
export async function fetchSpiffeBundle(options: FetchSpiffeBundleOptions): Promise<SpiffeBundle> {
  const endpoint = readEndpoint(options);
  const release = holdProcess();
  try {
    const bundle = await fetchFrom(endpoint, undefined, options.signal);
    checkSequence(bundle, endpoint.checks.bootstrap?.sequence);
    return bundle;
  } finally {
    release();
  }
}

/** {@link BundleEndpointOptions} with every default filled in. */
export interface BundleEndpoint {
  readonly trustDomain: TrustDomain;
  readonly url: URL;
  readonly checks: ServerChecks;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly maxRedirects: number;
  readonly clock: Clock;
}

const MAX_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 5;

/** @throws as {@link fetchSpiffeBundle}, for its options. */
export function readEndpoint(options: BundleEndpointOptions): BundleEndpoint {
  const { timeoutMs = 10_000, maxBytes = MAX_BYTES, maxRedirects = MAX_REDIRECTS, clock = systemClock } = options;
  const trustDomain = parseTrustDomain(options.trustDomain);
  if (trustDomain.scheme !== 'spiffe') throw new TypeError(`${trustDomain} is not a SPIFFE trust domain`);
  if (!(timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number of milliseconds');
  if (!(maxBytes > 0 && maxBytes <= MAX_BYTES)) throw new TypeError(`maxBytes must be from 1 to ${MAX_BYTES}`);
  if (!(Number.isInteger(maxRedirects) && maxRedirects >= 0 && maxRedirects <= MAX_REDIRECTS)) {
    throw new TypeError(`maxRedirects must be from 0 to ${MAX_REDIRECTS}`);
  }
  if (typeof clock !== 'function') throw new TypeError('clock must be a function');
  const url = parseEndpointUrl(options.url);
  const checks = readProfile(options.profile, trustDomain, clock);
  return { trustDomain, url, checks, timeoutMs, maxBytes, maxRedirects, clock };
}

/** One fetch. `newest` is what was fetched last, which verifies an endpoint of its own trust domain. */
export async function fetchFrom(
  endpoint: BundleEndpoint,
  newest: SpiffeBundle | undefined,
  signal: AbortSignal | undefined,
): Promise<SpiffeBundle> {
  const { url, trustDomain, timeoutMs, maxBytes, maxRedirects } = endpoint;
  const check = endpoint.checks.next(newest);
  const onTimeout = () => new FederationError('timeout', `the endpoint gave no bundle within ${timeoutMs} ms`);
  const scope = openScope({ signal, timeoutMs, onTimeout });
  try {
    const document = await httpsGet(url, check, { signal: scope.signal, maxBytes, maxRedirects });
    return parseSpiffeBundle(trustDomain, document);
  } catch (cause) {
    if (cause instanceof FederationError || scope.signal.aborted) throw cause;
    const why = cause instanceof Error ? cause.message : 'it cannot be read';
    throw new FederationError('bad_bundle', `the bundle of ${trustDomain} is refused: ${why}`, { cause });
  } finally {
    scope[Symbol.dispose]();
  }
}

/**
 * The sequence number orders the bundles that have one (sections 4.2 here and 4.1.1 of Trust Domain and Bundle).
 * `highest` is the highest one that was seen.
 *
 * @throws `FederationError` `sequence_went_back`.
 */
export function checkSequence(fetched: SpiffeBundle, highest: bigint | undefined): void {
  if (fetched.sequence === undefined || highest === undefined || fetched.sequence >= highest) return;
  const numbers = `${fetched.sequence} after ${highest}`;
  throw new FederationError('sequence_went_back', `the bundle of ${fetched.trustDomain} is older: sequence ${numbers}`);
}
