import type { Caller } from './request-authenticator.js';

/**
 * What a framework hands to its handlers: the request of Express; the request of Fastify, whose `raw` is that of
 * `node:http`; the context of Hono, or its `req`; the call of grpc-js, by its `metadata`.
 */
export type AuthenticatedRequest = object & { readonly raw?: object; readonly metadata?: object };

const callers = new WeakMap<object, Caller>();

/** Files the caller under the objects that handlers are given. */
export function rememberCaller(caller: Caller, ...holders: readonly object[]): void {
  for (const holder of holders) callers.set(holder, caller);
}

/**
 * The workload that sent a request which {@link requireCallerExpress}, {@link requireCallerFastify},
 * {@link requireCallerHono} or {@link requireCallerGrpc} let through.
 *
 * @throws `TypeError` when none of them did: then the handler stands where nobody is authenticated.
 */
export function getCaller(request: AuthenticatedRequest): Caller {
  for (const holder of [request, request.raw, request.metadata]) {
    const caller = holder === undefined ? undefined : callers.get(holder);
    if (caller !== undefined) return caller;
  }
  throw new TypeError('the request was not authenticated: no requireCaller… ran before this');
}
