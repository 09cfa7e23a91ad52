import type { DescMethod } from '@bufbuild/protobuf';
import { WorkloadApiError, type WorkloadApiErrorCode } from '../errors/index.js';
import { GrpcStatus, type GrpcStatusCode, GrpcStatusError } from './grpc-status.js';
import { UndecodableMessage } from './grpc-wire.js';

/** The profiles of the Workload API. Only the WIT-SVID profile is optional (SPIFFE_Workload_API section 7). */
export type Profile = 'X.509-SVID' | 'JWT-SVID' | 'WIT-SVID';

/** What a status means to a caller. */
export interface StatusMeaning {
  readonly code: WorkloadApiErrorCode;
  /** In words, and what to do about it where that is known. */
  readonly text: string;
}

/** Turns what the transport threw into the room's error. Anything else, such as the reason of an abort, stays as it is. */
export function fromTransport(
  error: unknown,
  method: DescMethod,
  meaningOf: (status: GrpcStatusCode) => StatusMeaning,
): unknown {
  const { name } = method;
  if (error instanceof UndecodableMessage) {
    return new WorkloadApiError('bad_message', `${name}: ${error.message}`, { cause: error });
  }
  if (!(error instanceof GrpcStatusError)) return error;
  const { code, text } = meaningOf(error.status);
  const message = `${name}: ${text} (gRPC status ${error.status}: ${shorten(error.message)})`;
  return new WorkloadApiError(code, message, { cause: error, grpcStatus: error.status });
}

/** What the statuses mean that a Workload API endpoint answers with (SPIFFE_Workload_Endpoint section 6). */
export function workloadStatus(profile: Profile): (status: GrpcStatusCode) => StatusMeaning {
  return (status) => {
    const code = codeOf(status, profile);
    return { code, text: MEANING[code] ?? 'the call failed' };
  };
}

const CODES: { readonly [Status in GrpcStatusCode]?: WorkloadApiErrorCode } = {
  [GrpcStatus.invalidArgument]: 'invalid_argument',
  [GrpcStatus.permissionDenied]: 'permission_denied',
  [GrpcStatus.resourceExhausted]: 'resource_exhausted',
  [GrpcStatus.unimplemented]: 'unimplemented',
  [GrpcStatus.unavailable]: 'unavailable',
  [GrpcStatus.deadlineExceeded]: 'timeout',
};

const MEANING: { readonly [Code in WorkloadApiErrorCode]?: string } = {
  invalid_argument: 'the endpoint says the request is wrong',
  permission_denied: 'the endpoint has no identity for this workload',
  resource_exhausted: 'a message is too large, or the endpoint is at a limit',
  unimplemented: 'the endpoint does not serve this call',
  unavailable: 'the endpoint cannot be reached or cannot answer now',
  timeout: 'the endpoint gave up because of a deadline',
};

function codeOf(status: GrpcStatusCode, profile: Profile): WorkloadApiErrorCode {
  // SPIRE answers FailedPrecondition where WIT-SVIDs are built in but switched off.
  if (profile === 'WIT-SVID' && status === GrpcStatus.failedPrecondition) return 'unimplemented';
  return codeOfStatus(status);
}

/** The code of a status that means the same at every endpoint. */
export function codeOfStatus(status: GrpcStatusCode): WorkloadApiErrorCode {
  return CODES[status] ?? 'rpc_failed';
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
