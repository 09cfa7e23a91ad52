import type { X509Bundle, X509BundleSource } from '../bundle/index.js';
import { WorkloadApiError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import type { CertificateRevocationList, X509CrlSource, X509Svid, X509SvidSource } from '../x509-svid/index.js';
import { crlReader, type WithCrls } from './delivered-crls.js';
import { type Deliveries, workloadDeliveries } from './deliveries.js';
import { type Picked, type PickSvid, pickSvid } from './pick-svid.js';
import { x509SvidReader } from './read-x509-svids.js';
import { refuseExpired, type UnexpiredSvids } from './refuse-expired.js';
import { checkUnexpired, SourceCore } from './source-core.js';
import type { ReadyOptions, Source, SourceHealth, SourceOptions, UpdatesOptions } from './source-options.js';
import type { StreamWatch } from './stream-watch.js';
import { sameX509Context, withSvids, type X509Context } from './x509-context.js';

export interface X509SourceOptions extends SourceOptions {
  /**
   * Chooses the identity to present among the delivered ones, by identifier or hint. Asked once for each delivery.
   * Default: the first, which is the default identity. Where it chooses none, the source has none to present.
   */
  readonly pick?: PickSvid<X509Svid> | undefined;
}

type Held = Picked<X509Context, X509Svid> & WithCrls<X509Context> & Pick<UnexpiredSvids<X509Svid>, 'refusedSvids'>;

/**
 * The X.509-SVID of this workload, the bundles it may trust and the revocation lists of their CAs, kept fresh over one
 * stream of the Workload API. Made by {@link createX509Source}.
 */
export class X509Source implements Source<X509Context>, X509SvidSource, X509BundleSource, X509CrlSource {
  readonly #core: SourceCore<X509Context>;
  readonly #watch: StreamWatch<Held>;

  /** @internal */
  constructor(options: X509SourceOptions, deliveries: Deliveries = workloadDeliveries(options)) {
    const { pick } = options;
    const [readSvids, readCrls] = [x509SvidReader(), crlReader<X509Context>()];
    this.#core = new SourceCore(options, deliveries, () => {
      this.#present();
      return this.#watch.read().delivery;
    });
    this.#watch = this.#core.watch({
      name: 'X.509-SVIDs',
      open: (signal) => deliveries.x509Svids(signal),
      convert: (message, held) => {
        const read = deliveries.readX509Context(message, readSvids, held?.delivery);
        const { svids, refusedSvids } = refuseExpired(read.svids, held?.delivery.svids ?? [], this.#core.clock());
        const context = withSvids(read, svids);
        return { ...readCrls(context), ...pickSvid(context, svids, pick), refusedSvids };
      },
      same: (one, other) => sameX509Context(one.delivery, other.delivery),
      identity: ({ svid }) => svid,
      problems: ({ delivery, refusedCrls, refusedSvids, problem }) => [
        ...delivery.refusedBundles,
        ...refusedCrls,
        ...refusedSvids,
        ...(problem === undefined ? [] : [problem]),
      ],
    });
  }

  get current(): X509Context {
    return this.#core.current();
  }

  /**
   * The X.509-SVID to present now.
   *
   * @throws `WorkloadApiError` as {@link current} does.
   */
  getX509Svid(): X509Svid {
    this.#core.checkOpen();
    return this.#present();
  }

  /**
   * The X.509 bundle of a trust domain as it was delivered last; `undefined` where none was, so that its SVIDs are
   * refused. It outlives the workload's own SVID, but not a withdrawal.
   *
   * @throws `WorkloadApiError` `not_ready`, `withdrawn`, `closed`, `unimplemented` or `invalid_argument`.
   */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    this.#core.checkOpen();
    return this.#watch.read().delivery.bundles.getX509Bundle(trustDomain);
  }

  /**
   * The revocation lists that were delivered last, none where none were. SPIRE delivers none. A list that cannot be read
   * is reported as `bad_crl`, and those of the last delivery without such a one stay in force beside the others, so that
   * nothing revoked comes back.
   *
   * @throws `WorkloadApiError` `not_ready`, `withdrawn`, `closed`, `unimplemented` or `invalid_argument`.
   */
  getX509Crls(): readonly CertificateRevocationList[] {
    this.#core.checkOpen();
    return this.#watch.read().crls;
  }

  get health(): SourceHealth {
    return this.#core.health(this.#core.expiryOf(() => this.#present().expiresAt));
  }

  ready(options: ReadyOptions = {}): Promise<void> {
    return this.#core.ready(options);
  }

  updates(options: UpdatesOptions = {}): AsyncIterable<X509Context> {
    return this.#core.updates(options);
  }

  async close(): Promise<void> {
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#core.close();
  }

  #present(): X509Svid {
    const { svid, problem } = this.#watch.read();
    if (svid === undefined) throw problem ?? new WorkloadApiError('no_identity', 'no X.509-SVID was picked');
    checkUnexpired(svid, this.#core.clock, this.#watch);
    return svid;
  }
}

/**
 * Makes a source and starts connecting at once; `ready()` tells when the first identity is here. The source keeps what
 * was delivered last while the endpoint is away, and reconnects, also when an identity has expired on a stream that has
 * fallen silent. It stops presenting an identity when that expires or when the endpoint withdraws it. One that has expired
 * when it comes does not replace a good one.
 *
 * @throws `WorkloadApiError` with an address rule as code.
 */
export function createX509Source(options: X509SourceOptions = {}): X509Source {
  return new X509Source(options);
}
