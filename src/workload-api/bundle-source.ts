import {
  BundleSet,
  type JwtBundle,
  type JwtBundleSource,
  type WitBundle,
  type WitBundleSource,
  type X509Bundle,
  type X509BundleSource,
} from '../bundle/index.js';
import type { TrustDomain } from '../id/index.js';
import type { CertificateRevocationList, X509CrlSource } from '../x509-svid/index.js';
import { type DeliveredBundles, sameBundles } from './delivered.js';
import { crlReader, type WithCrls } from './delivered-crls.js';
import { type Deliveries, type WorkloadDeliveries, workloadDeliveries } from './deliveries.js';
import { readJwtBundles } from './jwt-messages.js';
import { SourceCore } from './source-core.js';
import type { ReadyOptions, Source, SourceHealth, SourceOptions, UpdatesOptions } from './source-options.js';
import type { StreamFeed, StreamWatch } from './stream-watch.js';
import { readWitBundles } from './wit-context.js';
import { readX509Bundles } from './x509-context.js';

type BundleWatch = StreamWatch<WithCrls<DeliveredBundles>>;

/**
 * The bundles this workload may trust, of all kinds, kept fresh over three streams of the Workload API: for services
 * that verify others and need no identity of their own. Made by {@link createBundleSource}.
 *
 * An endpoint need not serve every profile. Of one that it does not serve there are no bundles, so whatever needs them
 * is refused.
 */
export class BundleSource
  implements Source<BundleSet>, X509BundleSource, X509CrlSource, JwtBundleSource, WitBundleSource
{
  readonly #core: SourceCore<BundleSet>;
  readonly #x509: BundleWatch;
  readonly #jwt: BundleWatch;
  readonly #wit: BundleWatch | undefined;

  /** @internal */
  constructor(options: SourceOptions, deliveries: Deliveries | WorkloadDeliveries = workloadDeliveries(options)) {
    this.#core = new SourceCore(options, deliveries, () => this.#combine());
    const watch = <M>({
      convert,
      ...feed
    }: Pick<StreamFeed<M, DeliveredBundles>, 'name' | 'open' | 'convert'>): BundleWatch => {
      const readCrls = crlReader<DeliveredBundles>();
      return this.#core.watch<M, WithCrls<DeliveredBundles>>({
        ...feed,
        convert: (message, held) => readCrls(convert(message, held?.delivery)),
        same: (one, other) => sameBundles(one.delivery, other.delivery),
        problems: ({ delivery, refusedCrls }) => [...delivery.refusedBundles, ...refusedCrls],
      });
    };
    this.#x509 = watch({
      name: 'X.509 bundles',
      open: (signal) => deliveries.x509Bundles(signal),
      convert: readX509Bundles,
    });
    this.#jwt = watch({
      name: 'JWT bundles',
      open: (signal) => deliveries.jwtBundles(signal),
      convert: readJwtBundles,
    });
    if (!('witBundles' in deliveries)) return;
    this.#wit = watch({
      name: 'WIT bundles',
      open: (signal) => deliveries.witBundles(signal),
      convert: readWitBundles,
    });
  }

  /** All bundles that were delivered last, in one set. */
  get current(): BundleSet {
    return this.#core.current();
  }

  /** As {@link BundleSource.getJwtBundle}, for X.509 bundles. */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.#read(this.#x509)?.getX509Bundle(trustDomain);
  }

  /**
   * The revocation lists that were delivered last, none where none were. One that cannot be read is reported as
   * `bad_crl`, and those of the last delivery without such a one stay in force beside the others.
   *
   * @throws WorkloadApiError `not_ready`, `withdrawn`, `closed` or `invalid_argument`.
   */
  getX509Crls(): readonly CertificateRevocationList[] {
    this.#core.checkOpen();
    return isNotServed(this.#x509) ? [] : this.#x509.read().crls;
  }

  /**
   * The JWT bundle of a trust domain as it was delivered last; `undefined` where none was, or where the endpoint does
   * not serve the profile.
   *
   * @throws WorkloadApiError `not_ready`, `withdrawn`, `closed` or `invalid_argument`.
   */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.#read(this.#jwt)?.getJwtBundle(trustDomain);
  }

  /** As {@link BundleSource.getJwtBundle}, for WIT bundles. */
  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined {
    return this.#read(this.#wit)?.getWitBundle(trustDomain);
  }

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
    this.#core.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#core.close();
  }

  #read(watch: BundleWatch | undefined): BundleSet | undefined {
    this.#core.checkOpen();
    return watch === undefined || isNotServed(watch) ? undefined : watch.read().delivery.bundles;
  }

  #combine(): BundleSet {
    const all = [this.#x509, this.#jwt, this.#wit].filter((watch) => watch !== undefined);
    const served = all.filter((watch) => !isNotServed(watch));
    const sets = (served.length === 0 ? all : served).map((watch) => watch.read().delivery.bundles);
    return new BundleSet(sets.flatMap(bundlesOf));
  }
}

/**
 * Makes a source of bundles and starts connecting at once; `ready()` tells when the bundles of every profile that the
 * endpoint serves are here.
 *
 * @throws WorkloadApiError with an address rule as code.
 */
export function createBundleSource(options: SourceOptions = {}): BundleSource {
  return new BundleSource(options);
}

function isNotServed(watch: BundleWatch): boolean {
  return watch.stopError?.code === 'unimplemented';
}

function bundlesOf(set: BundleSet): (X509Bundle | JwtBundle | WitBundle)[] {
  return set.trustDomains().flatMap((trustDomain) => {
    const bundles = [set.getX509Bundle(trustDomain), set.getJwtBundle(trustDomain), set.getWitBundle(trustDomain)];
    return bundles.filter((bundle) => bundle !== undefined);
  });
}
