import type * as grpc from '@grpc/grpc-js';
import { RequestAuthenticationError } from '../errors/index.js';
import { createAdmission } from './admission.js';
import { separateFields } from './joined-fields.js';
import type { RequestAuthenticator } from './request-authenticator.js';
import { rememberCaller } from './verified-caller.js';

/** The application's own `@grpc/grpc-js`, or what of it is used. */
export type GrpcServerModule = Pick<typeof grpc, 'ServerInterceptingCall'>;

export interface RequireCallerGrpcOptions {
  /**
   * Told why a call was refused: a `RequestAuthenticationError`, or what the authenticator threw instead; and the path of
   * the method. What this throws is ignored. Default: nobody is told.
   */
  readonly onRefused?: ((error: unknown, method: string) => void) | undefined;
}

/**
 * An interceptor for servers of grpc-js that lets only authenticated calls through, before a message is read. The WIT
 * and its proof travel in the metadata under the names that they have in HTTP; the audience of a call is one of the
 * configured ones, or `/package.Service/Method` under a configured origin.
 *
 * Refusals are UNAUTHENTICATED, whether of the request or its credentials, PERMISSION_DENIED by the authorizer and
 * UNAVAILABLE for want of an answer, and say no more. Node's HTTP/2 drops a second `authorization` and joins other
 * repeated fields before grpc-js sees them: the first is what is verified and what handlers see; of the others none with
 * a comma is accepted, as in {@link readFetchRequest}.
 *
 * Callers prove themselves by proof tokens. HTTP message signatures have no place here: what a call carries is a stream
 * of messages of no known end, so that no digest of it can be signed in its head, and its status stands in trailers,
 * which no signature of this profile covers.
 *
 * ```ts
 * const server = new grpc.Server({ interceptors: [requireCallerGrpc(grpc, authenticate)] });
 * server.addService(service, { order: (call, callback) => callback(null, { for: `${getCaller(call).id}` }) });
 * ```
 */
export function requireCallerGrpc(
  { ServerInterceptingCall }: GrpcServerModule,
  authenticate: RequestAuthenticator,
  options: RequireCallerGrpcOptions = {},
): grpc.ServerInterceptor {
  const admit = createAdmission(authenticate, {});
  return ({ path }, call) => {
    const gone = new AbortController();
    const listener: grpc.ServerListener = {
      onCancel: () => gone.abort(),
      onReceiveMetadata: async (metadata, next) => {
        const request = { rawHeaders: separateFields(fieldsOf(metadata)), url: path };
        const admission = await admit(request, {
          signal: gone.signal,
          onRefused: (error) => options.onRefused?.(error, path),
        });
        if (admission.kind === 'admitted') {
          rememberCaller(admission.caller, metadata);
          next(metadata);
        } else if (admission.kind === 'refused') {
          call.sendStatus(statusOf(admission.error));
        }
      },
    };
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}

function fieldsOf(metadata: grpc.Metadata): [name: string, value: string][] {
  return Object.entries(metadata.toHttp2Headers()).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((value): [string, string] => [name, String(value)]),
  );
}

/** The four status codes of gRPC that are given. */
const STATUS = { INTERNAL: 13, PERMISSION_DENIED: 7, UNAUTHENTICATED: 16, UNAVAILABLE: 14 } as const;

function statusOf(error: unknown): { code: grpc.status; details: string } {
  if (!(error instanceof RequestAuthenticationError)) return { code: STATUS.INTERNAL, details: 'internal error' };
  switch (error.status) {
    case 403:
      return { code: STATUS.PERMISSION_DENIED, details: 'permission denied' };
    case 503:
      return { code: STATUS.UNAVAILABLE, details: 'unavailable' };
    default:
      return { code: STATUS.UNAUTHENTICATED, details: 'unauthenticated' };
  }
}
