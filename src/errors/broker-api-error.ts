import { SvidkitError } from './svidkit-error.js';
import type { EndpointAddressRule } from './workload-api-error.js';

/**
 * What went wrong between this broker and its Broker API endpoint. The address rules are {@link EndpointAddressRule};
 * here a `tcp` address may also have a DNS name, and `address_unset` speaks of `SPIFFE_BROKER_SOCKET`.
 *
 * How a call ended (SPIFFE_Broker_Endpoint section 6, SPIFFE_Broker_API section 4.8); `grpcStatus` has the number:
 * - `invalid_argument`: the endpoint says the call or its reference is wrong. Sources do not retry.
 * - `unimplemented`: the endpoint does not serve this call, or does not know this type of reference. Sources do not
 *   retry.
 * - `permission_denied`: the referenced workload is entitled to nothing, or this broker may not use this type of
 *   reference. Also when the endpoint delivers no SVID at all, which is how SPIRE says the former; then there is no
 *   `grpcStatus`.
 * - `workload_not_found`: the endpoint finds no workload for the reference. A source of a process is then at its end.
 * - `unauthenticated`: the endpoint does not know who asks, or (SPIRE) could not attest the workload.
 * - `unavailable`: no endpoint at the address, one that cannot answer now, or no mutual TLS with it; then the message and
 *   `cause` say which side refused.
 * - `resource_exhausted`: a message over the size limit, or a limit at the endpoint.
 * - `rpc_failed`: any other status.
 * - `stream_ended`: the endpoint ended a stream without an error, or before its first message.
 * - `timeout`: no answer within the time allowed; of a source also: what its stream has delivered expired and nothing
 *   newer had come, so the stream is opened again on a new connection.
 *
 * What is not even sent:
 * - `reference_not_local`: a process ID would have left this machine (SPIFFE_Broker_API section 3.1.2).
 *
 * What is wrong with a message; nothing of it is used:
 * - `bad_message`: bytes that are not the message of this call.
 * - `empty_field`: a mandatory field is empty (SPIFFE_Broker_API section 4.6).
 * - `bad_identity`: an SVID that does not parse, whose parts do not belong together, or that was not asked for; JWT-SVIDs
 *   that were withdrawn while they were on their way, twice in a row.
 * - `bad_bundle`: a trust bundle that does not parse, or two different ones for one trust domain.
 * - `bad_crl`: a revocation list that does not parse or is of a kind that is not supported. The rest of the message is
 *   used.
 *
 * What a source cannot give:
 * - `not_ready`: nothing has been delivered so far; `cause` is the last failure, if there was one.
 * - `no_identity`: `pick` chose none of the delivered identities, or none fits the request.
 * - `withdrawn`: the endpoint no longer grants the workload its identity; `cause` says how it told so.
 * - `workload_ended`: the referenced process has ended, and its number may be another's by now.
 * - `expired`: the delivered identity has expired and nothing newer has come. Told to `onError` of one that had expired
 *   when it came: the one of the same SPIFFE ID that is held stays until it expires.
 * - `closed`: the source or client was closed.
 */
export type BrokerApiErrorCode =
  | EndpointAddressRule
  | 'invalid_argument'
  | 'unimplemented'
  | 'permission_denied'
  | 'workload_not_found'
  | 'unauthenticated'
  | 'unavailable'
  | 'resource_exhausted'
  | 'rpc_failed'
  | 'stream_ended'
  | 'timeout'
  | 'reference_not_local'
  | 'bad_message'
  | 'empty_field'
  | 'bad_identity'
  | 'bad_bundle'
  | 'bad_crl'
  | 'not_ready'
  | 'no_identity'
  | 'withdrawn'
  | 'workload_ended'
  | 'expired'
  | 'closed';

export interface BrokerApiErrorOptions extends ErrorOptions {
  /** The gRPC status a call ended with. */
  readonly grpcStatus?: number | undefined;
}

/** A failure at the Broker API: its address, a call, a delivered message, or a source that has nothing to give. */
export class BrokerApiError extends SvidkitError<BrokerApiErrorCode> {
  /** The gRPC status, where a call ended with one. */
  readonly grpcStatus: number | undefined;

  constructor(code: BrokerApiErrorCode, message: string, options: BrokerApiErrorOptions = {}) {
    super(code, message, options);
    this.grpcStatus = options.grpcStatus;
  }
}
