import type { JwtSvid } from '../jwt-svid/index.js';
import { createWorkloadApiClient, endpointCallsOf, type WorkloadApiClient } from './client.js';
import type { EndpointCalls } from './endpoint-calls.js';
import { type PublishSourceEvent, publishWorkloadApi } from './events.js';
import { SpiffeWorkloadAPI, type WITBundlesResponse, type WITSVIDResponse } from './gen/workloadapi_pb.js';
import type { JwtBundlesMessage } from './jwt-messages.js';
import type { JwtSvidQuery } from './jwt-svid-query.js';
import { fetchJwtSvids } from './workload-calls.js';
import { readX509Context, type X509BundlesMessage, type X509SvidsMessage } from './x509-context.js';

/**
 * What sources hold comes from here: the answers of one endpoint for one workload. The streams and calls throw
 * `WorkloadApiError`, or the reason of an abort.
 */
export interface Deliveries {
  /** Of the endpoint, as text. */
  readonly address: string;
  readonly publish: PublishSourceEvent;
  x509Svids(signal: AbortSignal): AsyncIterable<X509SvidsMessage>;
  /** Throws `permission_denied` for a message that says so. */
  readonly readX509Context: typeof readX509Context;
  x509Bundles(signal: AbortSignal): AsyncIterable<X509BundlesMessage>;
  jwtSvids(query: JwtSvidQuery, signal: AbortSignal): Promise<readonly JwtSvid[]>;
  jwtBundles(signal: AbortSignal): AsyncIterable<JwtBundlesMessage>;
  /**
   * Has streams and calls to come use a connection that was made after `since`, an instant of `performance.now()`. Open
   * ones keep theirs.
   */
  renewConnection(since: number): void;
  /** Gives back what was made for the one source that they are for. */
  close(): void;
}

/** Those of the Workload API, which has one more profile. */
export interface WorkloadDeliveries extends Deliveries {
  witSvids(signal: AbortSignal): AsyncIterable<WITSVIDResponse>;
  witBundles(signal: AbortSignal): AsyncIterable<WITBundlesResponse>;
}

export interface WorkloadDeliveriesOptions {
  readonly client?: WorkloadApiClient | undefined;
  readonly address?: string | undefined;
}

/** Deliveries from a client that is shared, or from one of their own. */
export function workloadDeliveries(options: WorkloadDeliveriesOptions): WorkloadDeliveries {
  const { client, address } = options;
  if (client !== undefined && address !== undefined) throw new TypeError('give either client or address, not both');
  const calls = endpointCallsOf(client ?? createWorkloadApiClient({ address }));
  return { ...deliveriesOf(calls), close: () => (client === undefined ? calls.close() : undefined) };
}

function deliveriesOf(calls: EndpointCalls): Omit<WorkloadDeliveries, 'close'> {
  const { method } = SpiffeWorkloadAPI;
  return {
    address: calls.address,
    publish: publishWorkloadApi,
    x509Svids: (signal) => calls.stream(method.fetchX509SVID, {}, signal),
    readX509Context,
    x509Bundles: (signal) => calls.stream(method.fetchX509Bundles, {}, signal),
    jwtSvids: (query, signal) => fetchJwtSvids(calls, query, signal),
    jwtBundles: (signal) => calls.stream(method.fetchJWTBundles, {}, signal),
    renewConnection: (since) => calls.renewConnection(since),
    witSvids: (signal) => calls.stream(method.fetchWITSVID, {}, signal),
    witBundles: (signal) => calls.stream(method.fetchWITBundles, {}, signal),
  };
}
