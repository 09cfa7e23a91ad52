import type { BundleSet, JwtBundle, JwtBundleSource } from '../bundle/index.js';
import type { TrustDomain } from '../id/index.js';
import type { JwtSvid } from '../jwt-svid/index.js';
import type { EndpointCalls } from '../workload-api/endpoint-calls.js';
import { type FetchJwtSvidRequest, JwtSource, type JwtSourceOptions } from '../workload-api/index.js';
import { BrokeredSource } from './brokered-source.js';
import type { ReadReference } from './reference.js';
import { type BrokeredSourceOptions, setUpSource } from './source-setup.js';

export interface BrokeredJwtSourceOptions
  extends BrokeredSourceOptions,
    Pick<JwtSourceOptions, 'pick' | 'fetchTimeoutMs' | 'maxCachedSvids'> {}

/**
 * The JWT-SVIDs of one referenced workload, fetched when asked for and cached for it alone, and the JWT bundles that are
 * good for it, kept fresh over one stream. Made by `jwtSource()` of a {@link BrokerApiClient}.
 */
export class BrokeredJwtSource extends BrokeredSource<BundleSet> implements JwtBundleSource {
  readonly #source: JwtSource;

  /** @internal */
  constructor(calls: EndpointCalls, reference: ReadReference, options: BrokeredJwtSourceOptions) {
    const { pick, fetchTimeoutMs, maxCachedSvids } = options;
    const setup = setUpSource(calls, reference, options);
    const source = new JwtSource({ ...setup.options, pick, fetchTimeoutMs, maxCachedSvids }, setup.deliveries);
    super(setup, source);
    this.#source = source;
  }

  /**
   * A JWT-SVID of the workload for an audience: cached, shared among those who ask at the same time, and renewed as
   * `JwtSource.fetchJwtSvid` does it.
   *
   * @throws `BrokerApiError` with how the call ended or what is wrong with the answer, `no_identity`, `expired`,
   * `timeout`, `workload_ended` or `closed`; or the reason of an abort.
   */
  async fetchJwtSvid(request: FetchJwtSvidRequest): Promise<JwtSvid> {
    this.checkAlive();
    try {
      const svid = await this.#source.fetchJwtSvid(request);
      this.checkAlive();
      return svid;
    } catch (error) {
      throw this.translate(error);
    }
  }

  /** The JWT bundle of a trust domain, to verify tokens for this workload with; `undefined` where none was delivered. */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.read(() => this.#source.getJwtBundle(trustDomain));
  }
}
