import type { BundleSet, JwtBundle, JwtBundleSource } from '../bundle/index.js';
import { WorkloadApiError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import { readCompactJws } from '../internal/compact-jws.js';
import { holdProcess } from '../internal/hold-process.js';
import type { JwtSvid } from '../jwt-svid/index.js';
import { type DeliveredBundles, sameBundles } from './delivered.js';
import { type Deliveries, workloadDeliveries } from './deliveries.js';
import { readJwtBundles } from './jwt-messages.js';
import { JwtSvidCache } from './jwt-svid-cache.js';
import { type JwtSvidQuery, type JwtSvidRequest, jwtSvidQuery } from './jwt-svid-query.js';
import { type PickSvid, pickSvid } from './pick-svid.js';
import { SourceCore } from './source-core.js';
import type { ReadyOptions, Source, SourceHealth, SourceOptions, UpdatesOptions } from './source-options.js';
import type { StreamWatch } from './stream-watch.js';

export interface JwtSourceOptions extends SourceOptions {
  /**
   * Chooses among the JWT-SVIDs of one answer, by identifier or hint, where the request does not name the identity.
   * Default: the first.
   */
  readonly pick?: PickSvid<JwtSvid> | undefined;
  /** How long to wait for a JWT-SVID, in milliseconds, before `timeout`. Default 10,000. */
  readonly fetchTimeoutMs?: number | undefined;
  /** Most JWT-SVIDs kept for later; the one unused for longest goes first. Default 1,000. */
  readonly maxCachedSvids?: number | undefined;
}

/** A request for one JWT-SVID. */
export interface FetchJwtSvidRequest extends JwtSvidRequest {
  /** Ends the waiting with the reason of the abort. Others who wait for the same token are not disturbed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The JWT-SVIDs of this workload, fetched when asked for, and the JWT bundles it may trust, kept fresh over one stream
 * of the Workload API. Made by {@link createJwtSource}.
 */
export class JwtSource implements Source<BundleSet>, JwtBundleSource {
  readonly #core: SourceCore<BundleSet>;
  readonly #bundles: StreamWatch<DeliveredBundles>;
  readonly #cache: JwtSvidCache;
  readonly #deliveries: Deliveries;
  readonly #pick: PickSvid<JwtSvid> | undefined;

  /** @internal */
  constructor(options: JwtSourceOptions, from?: Deliveries) {
    const { fetchTimeoutMs = 10_000, maxCachedSvids = 1000 } = options;
    if (!(fetchTimeoutMs > 0)) throw new TypeError('fetchTimeoutMs must be a positive number');
    if (!(maxCachedSvids >= 0)) throw new TypeError('maxCachedSvids must not be negative');
    const deliveries = from ?? workloadDeliveries(options);
    this.#deliveries = deliveries;
    this.#pick = options.pick;
    this.#core = new SourceCore(options, deliveries, () => this.#bundles.read().bundles);
    this.#cache = new JwtSvidCache({
      fetch: (query, signal) => this.#fetch(query, signal),
      clock: this.#core.clock,
      timeoutMs: fetchTimeoutMs,
      maxEntries: maxCachedSvids,
    });
    this.#bundles = this.#core.watch({
      name: 'JWT bundles',
      open: (signal) => deliveries.jwtBundles(signal),
      convert: readJwtBundles,
      same: sameBundles,
      problems: ({ refusedBundles }) => refusedBundles,
      onDenied: () => this.#cache.clear(),
      onReplaced: (previous, next) => this.#cache.drop((svid) => hasLostItsKey(svid, previous, next)),
    });
  }

  /** The JWT bundles that were delivered last. */
  get current(): BundleSet {
    return this.#core.current();
  }

  /**
   * A JWT-SVID for an audience. Comes from the cache while half of its life is not over, whatever the order in which
   * the audiences are listed; then from the endpoint, with the cached one as a spare while the endpoint is away. A
   * cached one whose key leaves the bundle of its trust domain is forgotten, and one that is on its way is fetched again,
   * once. Those who ask for the same at the same time
   * share one call. Does not wait for {@link ready}.
   *
   * @throws `WorkloadApiError` with how the call ended or what is wrong with the answer, `no_identity`, `expired`,
   * `timeout` or `closed`; or the reason of an abort.
   */
  async fetchJwtSvid(request: FetchJwtSvidRequest): Promise<JwtSvid> {
    this.#core.checkOpen();
    const release = holdProcess();
    try {
      return await this.#cache.get(jwtSvidQuery(request), request.signal);
    } finally {
      release();
    }
  }

  /**
   * The JWT bundle of a trust domain as it was delivered last; `undefined` where none was, so that its tokens are
   * refused.
   *
   * @throws `WorkloadApiError` `not_ready`, `withdrawn`, `closed`, `unimplemented` or `invalid_argument`.
   */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.#core.current().getJwtBundle(trustDomain);
  }

  /** Of the bundle stream. JWT-SVIDs are fetched one by one and do not show here. */
  get health(): SourceHealth {
    return this.#core.health(undefined);
  }

  ready(options: ReadyOptions = {}): Promise<void> {
    return this.#core.ready(options);
  }

  updates(options: UpdatesOptions = {}): AsyncIterable<BundleSet> {
    return this.#core.updates(options);
  }

  async close(): Promise<void> {
    this.#cache.close(new WorkloadApiError('closed', 'the source was closed'));
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #fetch(query: JwtSvidQuery, signal: AbortSignal): Promise<JwtSvid> {
    const svids = await this.#deliveries.jwtSvids(query, signal);
    const { svid, problem } = pickSvid(svids, svids, query.id === undefined ? this.#pick : undefined);
    if (svid === undefined) throw problem ?? new WorkloadApiError('no_identity', 'no JWT-SVID was picked');
    return svid;
  }
}

/**
 * Makes a source and starts watching the JWT bundles at once; `ready()` tells when they are here. JWT-SVIDs can be
 * fetched without waiting for that.
 *
 * @throws `WorkloadApiError` with an address rule as code.
 */
export function createJwtSource(options: JwtSourceOptions = {}): JwtSource {
  return new JwtSource(options);
}

/** Whether the key that signed a token has left the bundle: every verifier refuses the token from then on. */
function hasLostItsKey(svid: JwtSvid, previous: DeliveredBundles, next: DeliveredBundles): boolean {
  const { kid } = readCompactJws(svid.token).header;
  if (typeof kid !== 'string') return false;
  const holds = ({ bundles }: DeliveredBundles): boolean => {
    return (bundles.getJwtBundle(svid.id.trustDomain)?.candidates(kid).length ?? 0) > 0;
  };
  return holds(previous) && !holds(next);
}
