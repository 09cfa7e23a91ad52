import { SvidkitError } from './svidkit-error.js';

/**
 * Why a text is not the address of a Workload API endpoint (SPIFFE_Workload_Endpoint section 4).
 *
 * - `address_unset`: no address was given and `SPIFFE_ENDPOINT_SOCKET` is not set.
 * - `address_empty`: the address, or `SPIFFE_ENDPOINT_SOCKET`, is the empty string.
 * - `bad_address`: not a URI: no scheme, white space, control characters, wrong percent-encoding.
 * - `bad_address_scheme`: a scheme other than `unix` and `tcp`.
 * - `bad_address_path`: a Unix path that is missing, relative or too long for the operating system.
 * - `bad_address_host`: an authority on a `unix` address, or on `tcp` something that is not an IP address.
 * - `bad_address_port`: a `tcp` port that is missing or not 1 to 65535 in plain decimal.
 * - `extra_address_part`: user information, a query, a fragment, or a path on a `tcp` address.
 */
export type EndpointAddressRule =
  | 'address_unset'
  | 'address_empty'
  | 'bad_address'
  | 'bad_address_scheme'
  | 'bad_address_path'
  | 'bad_address_host'
  | 'bad_address_port'
  | 'extra_address_part';

/**
 * What went wrong between this process and its Workload API endpoint. The address rules are
 * {@link EndpointAddressRule}.
 *
 * How a call ended (SPIFFE_Workload_Endpoint section 6); `grpcStatus` has the number:
 * - `invalid_argument`: the endpoint says the call is wrong. Sources do not retry.
 * - `unimplemented`: the endpoint does not serve this call or, for the WIT-SVID profile, has it switched off
 *   (SPIRE then answers FailedPrecondition). Sources do not retry.
 * - `permission_denied`: the endpoint has no identity for this workload, or not yet.
 * - `unavailable`: no endpoint at the address, or one that cannot answer now.
 * - `resource_exhausted`: a message over the size limit, or a limit at the endpoint.
 * - `rpc_failed`: any other status.
 * - `stream_ended`: the endpoint ended a stream without an error, or before its first message.
 * - `timeout`: no answer within the time allowed; of a source also: what its stream has delivered expired and nothing
 *   newer had come, so the stream is opened again on a new connection.
 *
 * What is wrong with a message; nothing of it is used:
 * - `bad_message`: bytes that are not the message of this call.
 * - `empty_field`: a mandatory field is empty (SPIFFE_Workload_API section 4.5).
 * - `bad_identity`: an SVID that does not parse, or whose key, identifier or chain do not belong together; JWT-SVIDs that
 *   were withdrawn while they were on their way, twice in a row.
 * - `bad_bundle`: a trust bundle that does not parse, or two different ones for one trust domain.
 * - `bad_crl`: a revocation list that does not parse or is of a kind that is not supported; `cause` has the rule. The
 *   rest of the message is used.
 *
 * What a source cannot give:
 * - `not_ready`: nothing has been delivered so far; `cause` is the last failure, if there was one.
 * - `no_identity`: `pick` chose none of the delivered identities, or none fits the request.
 * - `withdrawn`: the endpoint no longer grants the identity (PermissionDenied).
 * - `expired`: the delivered identity has expired and nothing newer has come. Told to `onError` of one that had expired
 *   when it came: the one of the same SPIFFE ID that is held stays until it expires.
 * - `closed`: the source or client was closed.
 */
export type WorkloadApiErrorCode =
  | EndpointAddressRule
  | 'invalid_argument'
  | 'unimplemented'
  | 'permission_denied'
  | 'unavailable'
  | 'resource_exhausted'
  | 'rpc_failed'
  | 'stream_ended'
  | 'timeout'
  | 'bad_message'
  | 'empty_field'
  | 'bad_identity'
  | 'bad_bundle'
  | 'bad_crl'
  | 'not_ready'
  | 'no_identity'
  | 'withdrawn'
  | 'expired'
  | 'closed';

export interface WorkloadApiErrorOptions extends ErrorOptions {
  /** The gRPC status a call ended with. */
  readonly grpcStatus?: number | undefined;
}

/** A failure at the Workload API: its address, a call, a delivered message, or a source that has nothing to give. */
export class WorkloadApiError extends SvidkitError<WorkloadApiErrorCode> {
  /** The gRPC status, where a call ended with one. */
  readonly grpcStatus: number | undefined;

  constructor(code: WorkloadApiErrorCode, message: string, options: WorkloadApiErrorOptions = {}) {
    super(code, message, options);
    this.grpcStatus = options.grpcStatus;
  }
}
