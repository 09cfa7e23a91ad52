import type { BundleSet, JwtBundle, JwtBundleSource, X509Bundle, X509BundleSource } from '../bundle/index.js';
import type { TrustDomain } from '../id/index.js';
import type { EndpointCalls } from '../workload-api/endpoint-calls.js';
import { BundleSource } from '../workload-api/index.js';
import type { CertificateRevocationList, X509CrlSource } from '../x509-svid/index.js';
import { BrokeredSource } from './brokered-source.js';
import type { ReadReference } from './reference.js';
import { type BrokeredSourceOptions, setUpSource } from './source-setup.js';

/**
 * The X.509 and JWT bundles that are good for one referenced workload, kept fresh over two streams: for a broker that
 * verifies the workload's peers and needs no identity of it. Made by `bundleSource()` of a {@link BrokerApiClient}.
 */
export class BrokeredBundleSource
  extends BrokeredSource<BundleSet>
  implements X509BundleSource, X509CrlSource, JwtBundleSource
{
  readonly #source: BundleSource;

  /** @internal */
  constructor(calls: EndpointCalls, reference: ReadReference, options: BrokeredSourceOptions) {
    const setup = setUpSource(calls, reference, options);
    const source = new BundleSource(setup.options, setup.deliveries);
    super(setup, source);
    this.#source = source;
  }

  /** The X.509 bundle of a trust domain; `undefined` where none was delivered. */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.read(() => this.#source.getX509Bundle(trustDomain));
  }

  /** The revocation lists that were delivered last, none where none were. */
  getX509Crls(): readonly CertificateRevocationList[] {
    return this.read(() => this.#source.getX509Crls());
  }

  /** The JWT bundle of a trust domain; `undefined` where none was delivered. */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.read(() => this.#source.getJwtBundle(trustDomain));
  }
}
