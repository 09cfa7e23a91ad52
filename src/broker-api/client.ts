import type { X509BundleSource } from '../bundle/index.js';
import { BrokerApiError } from '../errors/index.js';
import type { Authorizer } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import type { JwtSvid } from '../jwt-svid/index.js';
import type { Deliveries } from '../workload-api/deliveries.js';
import type { EndpointAddress } from '../workload-api/endpoint-address.js';
import type { EndpointCalls } from '../workload-api/endpoint-calls.js';
import type { CallOptions, DeliveredBundles, JwtSvidRequest, X509Context } from '../workload-api/index.js';
import { readJwtBundles } from '../workload-api/jwt-messages.js';
import { jwtSvidQuery } from '../workload-api/jwt-svid-query.js';
import { first, LimitedCalls, readLimits } from '../workload-api/limited-calls.js';
import { readX509Bundles } from '../workload-api/x509-context.js';
import type { RevocationPolicy, X509CrlSource, X509SvidSource } from '../x509-svid/index.js';
import { isOnThisMachine, resolveBrokerAddress } from './broker-address.js';
import { openBrokerCalls } from './broker-calls.js';
import { brokerDeliveries } from './broker-deliveries.js';
import { BrokeredBundleSource } from './bundle-source.js';
import { BrokeredJwtSource, type BrokeredJwtSourceOptions } from './jwt-source.js';
import { asBrokerApiError, translatedStream, translating } from './outward-errors.js';
import { type ReadReference, readReference, type WorkloadReference } from './reference.js';
import type { BrokeredSourceOptions } from './source-setup.js';
import { BrokeredX509Source, type BrokeredX509SourceOptions } from './x509-source.js';

export interface BrokerApiClientOptions {
  /**
   * `unix:///path`, `tcp://IP:port` or `tcp://name:port`. Default: the environment variable `SPIFFE_BROKER_SOCKET`.
   */
  readonly address?: string | undefined;
  /** The broker's own X.509-SVID, which the endpoint must have in its list. Read for every connection. */
  readonly svid: X509SvidSource;
  /** The bundles that the endpoint is verified with. */
  readonly bundles: X509BundleSource;
  /**
   * Decides about the verified SPIFFE ID of the endpoint; everything but `true` refuses. Mandatory: whoever passes for
   * the endpoint decides whom all workloads trust. The identity of a SPIRE agent begins with
   * `spiffe://<trust domain>/spire/agent/`.
   */
  readonly authorize: Authorizer;
  /** The revocation lists to apply to the endpoint. Default: none. */
  readonly crls?: X509CrlSource | undefined;
  /** What to make of an endpoint under a CA that no list covers. Default `if-available`: it passes. */
  readonly revocation?: RevocationPolicy | undefined;
  /** Milliseconds since the epoch, for the validity of both ends' certificates. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Largest message accepted, in bytes. Default 16 MiB; larger ones end their call with `resource_exhausted`. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * How long a call may wait for its answer, and a stream for its first message, in milliseconds; then it throws
   * `timeout`. Default 10,000. `Infinity` waits for ever. Sources have their own limit.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * The SPIFFE Broker API: identities and bundles of other workloads, for a component that is trusted to act in their name.
 * Made by {@link createBrokerApiClient}.
 *
 * Every call names one workload and its answer is good for that workload alone: nothing is cached or shared between
 * references but the connection. Calls are made as they are, without reconnecting, and leave it to the caller to know
 * that the workload is still there; to hold an identity, use a source, which sees to both.
 *
 * Every method throws `BrokerApiError`: with the code of how the call ended, of what is wrong with the answer, or
 * `reference_not_local`, `timeout` or `closed`. A reference that is none is a `TypeError`. A stream is an `AsyncIterable`:
 * each iteration is a call of its own, made when the first message is asked for and cancelled by `break`. While a call is
 * open it keeps the process alive.
 */
export class BrokerApiClient implements AsyncDisposable {
  readonly #address: EndpointAddress;
  readonly #calls: EndpointCalls;
  readonly #limited: LimitedCalls;

  /** @internal */
  constructor(options: BrokerApiClientOptions) {
    const { maxMessageBytes, timeoutMs } = readLimits(options);
    const { svid, bundles, authorize, crls, revocation, clock } = options;
    // The endpoint must know who asks: there is no call without an identity of one's own.
    if (typeof svid?.getX509Svid !== 'function') throw new TypeError('svid must have a method getX509Svid()');
    this.#address = resolveBrokerAddress(options.address);
    this.#calls = openBrokerCalls(this.#address, maxMessageBytes, {
      svid,
      bundles,
      authorize,
      crls,
      revocation,
      clock,
    });
    this.#limited = new LimitedCalls(this.#calls, timeoutMs);
  }

  /** The X.509-SVIDs of the workload and the bundles that are good for it, as they are now. */
  async fetchX509Context(reference: WorkloadReference, options: CallOptions = {}): Promise<X509Context> {
    return this.#first('SubscribeToX509SVID', reference, this.streamX509Contexts(reference, options));
  }

  /** As {@link fetchX509Context}, then again whenever something changes, or the endpoint chooses to repeat itself. */
  streamX509Contexts(reference: WorkloadReference, options: CallOptions = {}): AsyncIterable<X509Context> {
    return this.#stream(reference, options, ({ x509Svids, readX509Context }) => [x509Svids, readX509Context]);
  }

  /** The X.509 bundles that are good for the workload, for a broker that only verifies its peers. */
  async fetchX509Bundles(reference: WorkloadReference, options: CallOptions = {}): Promise<DeliveredBundles> {
    return this.#first('SubscribeToX509Bundles', reference, this.streamX509Bundles(reference, options));
  }

  /** As {@link fetchX509Bundles}, then again whenever something changes. */
  streamX509Bundles(reference: WorkloadReference, options: CallOptions = {}): AsyncIterable<DeliveredBundles> {
    return this.#stream(reference, options, ({ x509Bundles }) => [x509Bundles, readX509Bundles]);
  }

  /**
   * Fresh JWT-SVIDs: one for each identity of the workload, or those of the one asked for. Nothing is cached here. What
   * the endpoint delivers besides what was asked for is left out.
   */
  async fetchJwtSvids(
    reference: WorkloadReference,
    request: JwtSvidRequest,
    options: CallOptions = {},
  ): Promise<readonly JwtSvid[]> {
    const query = jwtSvidQuery(request);
    const read = this.#read(reference);
    const deliveries = brokerDeliveries(this.#calls, read);
    const call = (signal: AbortSignal): Promise<readonly JwtSvid[]> => deliveries.jwtSvids(query, signal);
    return translating(() => this.#limited.unary(call, options), read.label);
  }

  /** The JWT bundles that are good for the workload. */
  async fetchJwtBundles(reference: WorkloadReference, options: CallOptions = {}): Promise<DeliveredBundles> {
    return this.#first('SubscribeToJWTBundles', reference, this.streamJwtBundles(reference, options));
  }

  /** As {@link fetchJwtBundles}, then again whenever something changes. */
  streamJwtBundles(reference: WorkloadReference, options: CallOptions = {}): AsyncIterable<DeliveredBundles> {
    return this.#stream(reference, options, ({ jwtBundles }) => [jwtBundles, readJwtBundles]);
  }

  /**
   * A source of the X.509-SVID of a workload, which starts connecting at once; `ready()` tells when it is here. Each call
   * makes a source of its own. Closing the client closes it.
   *
   * Make it while the workload is known to be there: of a process, the one that has the number now is meant.
   */
  x509Source(reference: WorkloadReference, options: BrokeredX509SourceOptions = {}): BrokeredX509Source {
    return new BrokeredX509Source(this.#calls, this.#read(reference), options);
  }

  /** A source of the JWT-SVIDs and JWT bundles of a workload, as {@link x509Source}. */
  jwtSource(reference: WorkloadReference, options: BrokeredJwtSourceOptions = {}): BrokeredJwtSource {
    return new BrokeredJwtSource(this.#calls, this.#read(reference), options);
  }

  /** A source of the X.509 and JWT bundles of a workload, as {@link x509Source}. */
  bundleSource(reference: WorkloadReference, options: BrokeredSourceOptions = {}): BrokeredBundleSource {
    return new BrokeredBundleSource(this.#calls, this.#read(reference), options);
  }

  /** Ends every open call with `closed`, closes every source and the connection. May be called again. */
  async close(): Promise<void> {
    this.#calls.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #stream<M, T>(
    reference: WorkloadReference,
    options: CallOptions,
    choose: (deliveries: Deliveries) => readonly [(signal: AbortSignal) => AsyncIterable<M>, (message: M) => T],
  ): AsyncIterable<T> {
    const read = this.#read(reference);
    const [open, convert] = choose(brokerDeliveries(this.#calls, read));
    const stream = this.#limited.stream(open, convert, options);
    return translatedStream(stream, (error) => asBrokerApiError(error, read.label));
  }

  #first<T>(method: string, reference: WorkloadReference, stream: AsyncIterable<T>): Promise<T> {
    return translating(() => first(stream, method), readReference(reference).label);
  }

  /** @throws `BrokerApiError` `reference_not_local` for a process where the endpoint may be elsewhere. */
  #read(reference: WorkloadReference): ReadReference {
    const read = readReference(reference);
    if (read.pid === undefined || isOnThisMachine(this.#address)) return read;
    throw new BrokerApiError(
      'reference_not_local',
      `${read.label} means another process, or none, on another machine, and ${this.#calls.address} may be on one; ` +
        'use the Unix socket or the loopback address of the endpoint on this machine',
    );
  }
}

/**
 * Makes a client of the Broker API. No connection is made before the first call. Each connection presents the broker's
 * SVID of that moment, and nothing is asked before the endpoint's own SVID is verified and authorized.
 *
 * @throws `BrokerApiError` with an address rule as code: `address_unset` where neither option nor environment has one.
 * An option that is missing or wrong is a `TypeError`.
 */
export function createBrokerApiClient(options: BrokerApiClientOptions): BrokerApiClient {
  return new BrokerApiClient(options);
}
