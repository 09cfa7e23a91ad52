import * as grpc from '@grpc/grpc-js';
import { createGrpcCredentials, type MtlsOptions } from '../tls/index.js';
import { type EndpointAddress, formatEndpointAddress } from '../workload-api/endpoint-address.js';
import { EndpointCalls } from '../workload-api/endpoint-calls.js';
import { openGrpcChannel } from '../workload-api/grpc-client.js';
import { GrpcStatus, type GrpcStatusCode } from '../workload-api/grpc-status.js';
import { codeOfStatus, fromTransport, type StatusMeaning } from '../workload-api/rpc-error.js';

/** Required on every call, against server-side request forgery (SPIFFE_Broker_Endpoint section 3). */
const SECURITY_HEADER = { 'broker.spiffe.io': 'true' };

/** The calls of one endpoint over mutual TLS. @throws `TypeError` when an option is missing or wrong. */
export function openBrokerCalls(address: EndpointAddress, maxMessageBytes: number, tls: MtlsOptions): EndpointCalls {
  const credentials = createGrpcCredentials(grpc, tls);
  return new EndpointCalls({
    channel: openGrpcChannel(address, { metadata: SECURITY_HEADER, maxMessageBytes, credentials }),
    address: formatEndpointAddress(address),
    name: 'the Broker API client',
    translate: (error, method) => fromTransport(error, method, meaningOf),
  });
}

/** SPIFFE_Broker_Endpoint section 6 and SPIFFE_Broker_API section 4.8, with what SPIRE makes of them. */
const MEANING: { readonly [Status in GrpcStatusCode]?: string } = {
  [GrpcStatus.invalidArgument]: 'the endpoint says the request or its reference is wrong',
  [GrpcStatus.notFound]: 'the endpoint finds no workload for this reference',
  [GrpcStatus.permissionDenied]:
    'the workload is entitled to nothing, or this broker may not use this type of reference here; ' +
    'look at the workload’s registration entry and at the broker’s allowed reference types',
  [GrpcStatus.unauthenticated]: 'the endpoint does not know who asks, or could not attest the workload',
  [GrpcStatus.unimplemented]: 'the endpoint does not serve this call, or does not know this type of reference',
  [GrpcStatus.resourceExhausted]: 'a message is too large, or the endpoint is at a limit',
  [GrpcStatus.unavailable]:
    'the endpoint cannot be reached or cannot answer now; where the connection was cut during the handshake, ' +
    'see whether this broker’s SPIFFE ID is in the endpoint’s list',
  [GrpcStatus.deadlineExceeded]: 'the endpoint gave up because of a deadline',
};

function meaningOf(status: GrpcStatusCode): StatusMeaning {
  const text = MEANING[status] ?? 'the call failed';
  // A workload that is not there is entitled to nothing, so its sources must let go of what they have.
  return { code: status === GrpcStatus.notFound ? 'permission_denied' : codeOfStatus(status), text };
}
