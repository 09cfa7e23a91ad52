import type { WitBundle, WitBundleSource } from '../bundle/index.js';
import { WorkloadApiError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import type { WitSvid, WitSvidSource } from '../wit/index.js';
import { type DeliveredBundles, sameBundles } from './delivered.js';
import { workloadDeliveries } from './deliveries.js';
import type { WITSVIDResponse } from './gen/workloadapi_pb.js';
import { type Picked, type PickSvid, pickSvid } from './pick-svid.js';
import { refuseExpired, type UnexpiredSvids } from './refuse-expired.js';
import { checkUnexpired, SourceCore } from './source-core.js';
import type { ReadyOptions, Source, SourceHealth, SourceOptions, UpdatesOptions } from './source-options.js';
import type { StreamWatch } from './stream-watch.js';
import { readWitBundles, readWitSvids, sameWitSvids, type WitContext } from './wit-context.js';

export interface WitSourceOptions extends SourceOptions {
  /**
   * Chooses the identity to present among the delivered ones, by identifier or hint. Asked once for each delivery.
   * Default: the first, which is the default identity. Where it chooses none, the source has none to present.
   */
  readonly pick?: PickSvid<WitSvid> | undefined;
}

type Held = Picked<readonly WitSvid[], WitSvid> & Pick<UnexpiredSvids<WitSvid>, 'refusedSvids'>;

/**
 * The WIT-SVID of this workload and the WIT bundles it may trust, kept fresh over two streams of the Workload API. Made
 * by {@link createWitSource}. Where the endpoint does not serve the WIT-SVID profile, everything throws `unimplemented`.
 */
export class WitSource implements Source<WitContext>, WitSvidSource, WitBundleSource {
  readonly #core: SourceCore<WitContext>;
  readonly #svids: StreamWatch<Held>;
  readonly #bundles: StreamWatch<DeliveredBundles>;

  /** @internal */
  constructor(options: WitSourceOptions) {
    const { pick } = options;
    const deliveries = workloadDeliveries(options);
    this.#core = new SourceCore(options, deliveries, () => this.#context());
    this.#svids = this.#core.watch({
      name: 'WIT-SVIDs',
      open: (signal) => deliveries.witSvids(signal),
      convert: (message: WITSVIDResponse, held) => {
        const read = readWitSvids(message);
        const { svids, refusedSvids } = refuseExpired(read, held?.delivery ?? [], this.#core.clock());
        return { ...pickSvid(svids, svids, pick), refusedSvids };
      },
      same: (one, other) => sameWitSvids(one.delivery, other.delivery),
      identity: ({ svid }) => svid,
      problems: ({ refusedSvids, problem }) => [...refusedSvids, ...(problem ? [problem] : [])],
    });
    this.#bundles = this.#core.watch({
      name: 'WIT bundles',
      open: (signal) => deliveries.witBundles(signal),
      convert: readWitBundles,
      same: sameBundles,
      problems: ({ refusedBundles }) => refusedBundles,
    });
  }

  get current(): WitContext {
    return this.#core.current();
  }

  /**
   * The WIT-SVID to present now.
   *
   * @throws `WorkloadApiError` as {@link current} does.
   */
  getWitSvid(): WitSvid {
    this.#core.checkOpen();
    return this.#present();
  }

  /**
   * The WIT bundle of a trust domain as it was delivered last; `undefined` where none was, so that its tokens are
   * refused.
   *
   * @throws `WorkloadApiError` `not_ready`, `withdrawn`, `closed`, `unimplemented` or `invalid_argument`.
   */
  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined {
    this.#core.checkOpen();
    return this.#bundles.read().bundles.getWitBundle(trustDomain);
  }

  get health(): SourceHealth {
    return this.#core.health(this.#core.expiryOf(() => this.#present().expiresAt));
  }

  ready(options: ReadyOptions = {}): Promise<void> {
    return this.#core.ready(options);
  }

  updates(options: UpdatesOptions = {}): AsyncIterable<WitContext> {
    return this.#core.updates(options);
  }

  async close(): Promise<void> {
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#core.close();
  }

  #context(): WitContext {
    this.#present();
    const svids = this.#svids.read().delivery;
    const [defaultSvid] = svids;
    if (defaultSvid === undefined) throw new WorkloadApiError('no_identity', 'no WIT-SVID was delivered');
    return Object.freeze({ svids, defaultSvid, bundles: this.#bundles.read().bundles });
  }

  #present(): WitSvid {
    const { svid, problem } = this.#svids.read();
    if (svid === undefined) throw problem ?? new WorkloadApiError('no_identity', 'no WIT-SVID was picked');
    checkUnexpired(svid, this.#core.clock, this.#svids);
    return svid;
  }
}

/**
 * Makes a source and starts connecting at once; `ready()` tells when the first identity is here, and rejects with
 * `unimplemented` where the endpoint does not serve the WIT-SVID profile, which is optional (SPIFFE_Workload_API section
 * 7). The source keeps what was delivered last while the endpoint is away, and reconnects, also when an identity has
 * expired on a stream that has fallen silent. It stops presenting an identity when that expires or when the endpoint
 * withdraws it. One that has expired when it comes does not replace a good one.
 *
 * @throws `WorkloadApiError` with an address rule as code.
 */
export function createWitSource(options: WitSourceOptions = {}): WitSource {
  return new WitSource(options);
}
