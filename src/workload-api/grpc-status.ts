/** The status codes of gRPC, by the number that travels (grpc.io, "Status codes and their use in gRPC"). */
export const GrpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** A status code other than `ok`, as a call ends with it. */
export type GrpcStatusCode = Exclude<(typeof GrpcStatus)[keyof typeof GrpcStatus], 0>;

/**
 * A call that ended with a status other than OK. The transport throws it on the client side, where the room turns it
 * into its own typed error; a handler of a server throws it to end its call with that status and message.
 */
export class GrpcStatusError extends Error {
  readonly status: GrpcStatusCode;

  constructor(status: GrpcStatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GrpcStatusError';
    this.status = status;
  }
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(GrpcStatus));

/** Reads the number a peer sent; one that gRPC does not define counts as `unknown`, as the gRPC documents say. */
export function toGrpcStatusCode(code: number): GrpcStatusCode {
  return isStatusCode(code) ? code : GrpcStatus.unknown;
}

function isStatusCode(code: number): code is GrpcStatusCode {
  return code !== GrpcStatus.ok && KNOWN.has(code);
}
