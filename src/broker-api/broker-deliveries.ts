import { WorkloadApiError } from '../errors/index.js';
import type { JwtSvid } from '../jwt-svid/index.js';
import type { Deliveries } from '../workload-api/deliveries.js';
import type { EndpointCalls } from '../workload-api/endpoint-calls.js';
import { readJwtSvids } from '../workload-api/jwt-messages.js';
import type { JwtSvidQuery } from '../workload-api/jwt-svid-query.js';
import { readX509Context } from '../workload-api/x509-context.js';
import { publisherFor } from './events.js';
import { API } from './gen/brokerapi_pb.js';
import type { ReadReference } from './reference.js';

/**
 * What the endpoint delivers for one reference. Each message goes to whoever asked for that reference and nobody else:
 * nothing is kept here (SPIFFE_Broker_API section 4.2).
 */
export function brokerDeliveries(calls: EndpointCalls, reference: ReadReference): Deliveries {
  const { method } = API;
  const request = () => ({ reference: reference.message() });
  return {
    address: calls.address,
    publish: publisherFor(reference.label),
    x509Svids: (signal) => calls.stream(method.subscribeToX509SVID, request(), signal),
    readX509Context: readBrokeredX509Context,
    x509Bundles: (signal) => calls.stream(method.subscribeToX509Bundles, request(), signal),
    jwtSvids: async (query, signal) => {
      const message = { ...request(), audience: [...query.audience], spiffeId: query.id?.toString() ?? '' };
      return readBrokeredJwtSvids(await calls.unary(method.fetchJWTSVID, message, signal), query);
    },
    jwtBundles: (signal) => calls.stream(method.subscribeToJWTBundles, request(), signal),
    renewConnection: (since) => calls.renewConnection(since),
    close: () => {},
  };
}

/** The standard wants PermissionDenied for a workload that is entitled to nothing. SPIRE sends an empty list instead. */
const readBrokeredX509Context: typeof readX509Context = (message, ...more) => {
  if (message.svids.length === 0) {
    throw new WorkloadApiError(
      'permission_denied',
      'the endpoint delivered no X.509-SVID for this workload; look at its registration entry',
    );
  }
  return readX509Context(message, ...more);
};

/** SPIRE delivers all JWT-SVIDs of the workload also where one of them was asked for. */
function readBrokeredJwtSvids(message: Parameters<typeof readJwtSvids>[0], query: JwtSvidQuery): readonly JwtSvid[] {
  const { id } = query;
  if (id === undefined || message.svids.length === 0) return readJwtSvids(message, query);
  const svids = message.svids.filter(({ spiffeId }) => spiffeId === id.toString());
  if (svids.length === 0) {
    throw new WorkloadApiError('bad_identity', `asked for ${id}, the endpoint answered with other identities only`);
  }
  return readJwtSvids({ svids }, query);
}
