import type { DescMethod } from '@bufbuild/protobuf';
import type { JwtSvid } from '../jwt-svid/index.js';
import { type EndpointAddress, formatEndpointAddress } from './endpoint-address.js';
import { EndpointCalls } from './endpoint-calls.js';
import { SpiffeWorkloadAPI } from './gen/workloadapi_pb.js';
import { openGrpcChannel } from './grpc-client.js';
import { readJwtSvids } from './jwt-messages.js';
import type { JwtSvidQuery } from './jwt-svid-query.js';
import { fromTransport, type Profile, workloadStatus } from './rpc-error.js';

/** Required on every call, against server-side request forgery (SPIFFE_Workload_Endpoint section 3). */
const SECURITY_HEADER = { 'workload.spiffe.io': 'true' };

/** The calls of the Workload API. */
export function openWorkloadCalls(address: EndpointAddress, maxMessageBytes: number): EndpointCalls {
  return new EndpointCalls({
    channel: openGrpcChannel(address, { metadata: SECURITY_HEADER, maxMessageBytes }),
    address: formatEndpointAddress(address),
    name: 'the Workload API client',
    translate: (error, method) => fromTransport(error, method, workloadStatus(profileOf(method))),
  });
}

/** Fresh JWT-SVIDs, as many as fit the query. */
export async function fetchJwtSvids(
  calls: EndpointCalls,
  query: JwtSvidQuery,
  signal: AbortSignal,
): Promise<readonly JwtSvid[]> {
  const message = { audience: [...query.audience], spiffeId: query.id?.toString() ?? '' };
  return readJwtSvids(await calls.unary(SpiffeWorkloadAPI.method.fetchJWTSVID, message, signal), query);
}

function profileOf(method: DescMethod): Profile {
  if (method.name.includes('WIT')) return 'WIT-SVID';
  return method.name.includes('JWT') ? 'JWT-SVID' : 'X.509-SVID';
}
