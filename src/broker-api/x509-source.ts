import type { X509Bundle, X509BundleSource } from '../bundle/index.js';
import type { TrustDomain } from '../id/index.js';
import type { EndpointCalls } from '../workload-api/endpoint-calls.js';
import { type PickSvid, type X509Context, X509Source } from '../workload-api/index.js';
import type { CertificateRevocationList, X509CrlSource, X509Svid, X509SvidSource } from '../x509-svid/index.js';
import { BrokeredSource } from './brokered-source.js';
import type { ReadReference } from './reference.js';
import { type BrokeredSourceOptions, setUpSource } from './source-setup.js';

export interface BrokeredX509SourceOptions extends BrokeredSourceOptions {
  /** Chooses the identity to use among the delivered ones, by identifier or hint. Default: the first. */
  readonly pick?: PickSvid<X509Svid> | undefined;
}

/**
 * The X.509-SVID of one referenced workload, and the bundles and revocation lists that are good for it alone, kept fresh
 * over one stream. Made by `x509Source()` of a {@link BrokerApiClient}. Can be given to everything that takes the
 * `X509Source` of a workload: mutual TLS then speaks in the name of the referenced one.
 */
export class BrokeredX509Source
  extends BrokeredSource<X509Context>
  implements X509SvidSource, X509BundleSource, X509CrlSource
{
  readonly #source: X509Source;

  /** @internal */
  constructor(calls: EndpointCalls, reference: ReadReference, options: BrokeredX509SourceOptions) {
    const setup = setUpSource(calls, reference, options);
    const source = new X509Source({ ...setup.options, pick: options.pick }, setup.deliveries);
    super(setup, source);
    this.#source = source;
  }

  /**
   * The X.509-SVID to present now in the name of the workload.
   *
   * @throws `BrokerApiError` as {@link current} does: `not_ready`, `withdrawn`, `expired`, `workload_ended`, `closed` and
   * so on.
   */
  getX509Svid(): X509Svid {
    return this.read(() => this.#source.getX509Svid());
  }

  /** The X.509 bundle of a trust domain, to verify the peers of this workload with; `undefined` where none was delivered. */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.read(() => this.#source.getX509Bundle(trustDomain));
  }

  /** The revocation lists that were delivered last, none where none were. */
  getX509Crls(): readonly CertificateRevocationList[] {
    return this.read(() => this.#source.getX509Crls());
  }
}
