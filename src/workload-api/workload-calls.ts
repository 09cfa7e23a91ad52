import type { DescMethod } from '@bufbuild/protobuf';
import type { EndpointAddress } from './endpoint-address.js';
import { formatEndpointAddress } from './endpoint-address.js';
import { EndpointCalls } from './endpoint-calls.js';
import { openGrpcChannel } from './grpc-client.js';
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

function profileOf(method: DescMethod): Profile {
  if (method.name.includes('WIT')) return 'WIT-SVID';
  return method.name.includes('JWT') ? 'JWT-SVID' : 'X.509-SVID';
}
