import { parseSpiffeId, type WorkloadIdLike } from '../id/index.js';
import type { JwtSvid } from '../jwt-svid/index.js';
import type { WitSvid } from '../wit/index.js';
import type { DeliveredBundles } from './delivered.js';
import { resolveEndpointAddress } from './endpoint-address.js';
import type { EndpointCalls } from './endpoint-calls.js';
import { SpiffeWorkloadAPI } from './gen/workloadapi_pb.js';
import { readJwtBundles, readValidatedJwtSvid, type ValidatedJwtSvid } from './jwt-messages.js';
import { type JwtSvidRequest, jwtSvidQuery } from './jwt-svid-query.js';
import { type CallOptions, first, LimitedCalls, readLimits } from './limited-calls.js';
import { readWitBundles, readWitSvids } from './wit-context.js';
import { fetchJwtSvids, openWorkloadCalls } from './workload-calls.js';
import { readX509Bundles, readX509Context, type X509Context } from './x509-context.js';

export interface WorkloadApiClientOptions {
  /** `unix:///path` or `tcp://IP:port`. Default: the environment variable `SPIFFE_ENDPOINT_SOCKET`. */
  readonly address?: string | undefined;
  /**
   * Largest message accepted, in bytes. Default 16 MiB, which is room for some hundred federated trust domains; larger
   * messages end their call with `resource_exhausted`.
   */
  readonly maxMessageBytes?: number | undefined;
  /**
   * How long a call may wait for its answer, and a stream for its first message, in milliseconds; then it throws
   * `timeout`. Default 10,000. `Infinity` waits for ever. Sources have their own limit.
   */
  readonly timeoutMs?: number | undefined;
}

export interface ValidateJwtSvidRequest {
  /** The audience that the token must be meant for. */
  readonly audience: string;
  /** The JWT-SVID that somebody presented. */
  readonly token: string;
}

/** Which WIT-SVIDs are wanted. */
export interface WitSvidRequest {
  /** The SPIFFE ID wanted, of those this workload has. Default: all of them. */
  readonly id?: WorkloadIdLike | undefined;
}

/** Set by the class, whose private field it reads. */
let callsOf: (client: WorkloadApiClient) => EndpointCalls;

/**
 * The calls of the SPIFFE Workload API as they are, without reconnecting: a call is one call, a stream is one stream
 * and ends when the endpoint ends it. To hold an identity that stays fresh, use a source. Made by
 * {@link createWorkloadApiClient}.
 *
 * Every method throws `WorkloadApiError`: with the code of how the call ended, of what is wrong with the answer, or
 * `timeout` or `closed`. A stream is an `AsyncIterable`: each iteration is a call of its own, made when the first
 * message is asked for and cancelled by `break`. While a call is open it keeps the process alive.
 */
export class WorkloadApiClient implements AsyncDisposable {
  readonly #calls: EndpointCalls;
  readonly #limited: LimitedCalls;

  /** @internal */
  constructor(options: WorkloadApiClientOptions) {
    const { maxMessageBytes, timeoutMs } = readLimits(options);
    this.#calls = openWorkloadCalls(resolveEndpointAddress(options.address), maxMessageBytes);
    this.#limited = new LimitedCalls(this.#calls, timeoutMs);
  }

  static {
    callsOf = (client) => client.#calls;
  }

  /** The X.509-SVIDs of this workload and the bundles it may trust, as they are now. */
  fetchX509Context(options: CallOptions = {}): Promise<X509Context> {
    return first(this.streamX509Contexts(options), 'FetchX509SVID');
  }

  /** As {@link fetchX509Context}, then again whenever something changes, or the endpoint chooses to repeat itself. */
  streamX509Contexts(options: CallOptions = {}): AsyncIterable<X509Context> {
    const open = (signal: AbortSignal) => this.#calls.stream(SpiffeWorkloadAPI.method.fetchX509SVID, {}, signal);
    return this.#limited.stream(open, readX509Context, options);
  }

  /** The X.509 bundles this workload may trust, for one that only verifies others. */
  fetchX509Bundles(options: CallOptions = {}): Promise<DeliveredBundles> {
    return first(this.streamX509Bundles(options), 'FetchX509Bundles');
  }

  /** As {@link fetchX509Bundles}, then again whenever something changes. */
  streamX509Bundles(options: CallOptions = {}): AsyncIterable<DeliveredBundles> {
    const open = (signal: AbortSignal) => this.#calls.stream(SpiffeWorkloadAPI.method.fetchX509Bundles, {}, signal);
    return this.#limited.stream(open, readX509Bundles, options);
  }

  /** Fresh JWT-SVIDs: one for each identity of this workload, or the one asked for. Nothing is cached here. */
  async fetchJwtSvids(request: JwtSvidRequest, options: CallOptions = {}): Promise<readonly JwtSvid[]> {
    const query = jwtSvidQuery(request);
    return this.#limited.unary((signal) => fetchJwtSvids(this.#calls, query, signal), options);
  }

  /** The JWT bundles this workload may trust. */
  fetchJwtBundles(options: CallOptions = {}): Promise<DeliveredBundles> {
    return first(this.streamJwtBundles(options), 'FetchJWTBundles');
  }

  /** As {@link fetchJwtBundles}, then again whenever something changes. */
  streamJwtBundles(options: CallOptions = {}): AsyncIterable<DeliveredBundles> {
    const open = (signal: AbortSignal) => this.#calls.stream(SpiffeWorkloadAPI.method.fetchJWTBundles, {}, signal);
    return this.#limited.stream(open, readJwtBundles, options);
  }

  /**
   * Has the endpoint validate a JWT-SVID that somebody presented. An endpoint refuses a token with `invalid_argument`.
   * To validate without asking the endpoint each time, use `verifyJwtSvid` of `svidkit/jwt-svid` with a source.
   */
  async validateJwtSvid(request: ValidateJwtSvidRequest, options: CallOptions = {}): Promise<ValidatedJwtSvid> {
    const { audience, token } = request;
    if (typeof audience !== 'string' || audience === '') throw new TypeError('audience must be a non-empty string');
    if (typeof token !== 'string' || token === '') throw new TypeError('token must be a non-empty string');
    return this.#limited.unary(async (signal) => {
      const message = { audience, svid: token };
      return readValidatedJwtSvid(await this.#calls.unary(SpiffeWorkloadAPI.method.validateJWTSVID, message, signal));
    }, options);
  }

  /** The WIT-SVIDs of this workload. Throws `unimplemented` where the endpoint does not serve the WIT-SVID profile. */
  async fetchWitSvids(request: WitSvidRequest = {}, options: CallOptions = {}): Promise<readonly WitSvid[]> {
    return first(this.streamWitSvids(request, options), 'FetchWITSVID');
  }

  /** As {@link fetchWitSvids}, then again whenever something changes. */
  streamWitSvids(request: WitSvidRequest = {}, options: CallOptions = {}): AsyncIterable<readonly WitSvid[]> {
    const id = request.id === undefined ? undefined : parseSpiffeId(request.id);
    const message = { spiffeId: id?.toString() ?? '' };
    const open = (signal: AbortSignal) => this.#calls.stream(SpiffeWorkloadAPI.method.fetchWITSVID, message, signal);
    return this.#limited.stream(open, (response) => readWitSvids(response, id), options);
  }

  /** The WIT bundles this workload may trust. Throws `unimplemented` where the endpoint does not serve the profile. */
  fetchWitBundles(options: CallOptions = {}): Promise<DeliveredBundles> {
    return first(this.streamWitBundles(options), 'FetchWITBundles');
  }

  /** As {@link fetchWitBundles}, then again whenever something changes. */
  streamWitBundles(options: CallOptions = {}): AsyncIterable<DeliveredBundles> {
    const open = (signal: AbortSignal) => this.#calls.stream(SpiffeWorkloadAPI.method.fetchWITBundles, {}, signal);
    return this.#limited.stream(open, readWitBundles, options);
  }

  /** Ends every open call with `closed` and closes the connection. May be called again. */
  async close(): Promise<void> {
    this.#calls.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Makes a client of the Workload API. No connection is made before the first call.
 *
 * @throws `WorkloadApiError` with an address rule as code: `address_unset` where neither option nor environment has one.
 */
export function createWorkloadApiClient(options: WorkloadApiClientOptions = {}): WorkloadApiClient {
  return new WorkloadApiClient(options);
}

/** The calls beneath a client, which sources share without the client's conversions and limits. */
export function endpointCallsOf(client: WorkloadApiClient): EndpointCalls {
  if (!(client instanceof WorkloadApiClient)) {
    throw new TypeError('client must be one that createWorkloadApiClient() made');
  }
  return callsOf(client);
}
