import type { Caller } from './request-authenticator.js';

/**
 * What a framework hands to its handlers: the request of Express, the request of Fastify (whose `raw` is that of
 * `node:http`), or the context of Hono and its `req`.
 */
export type AuthenticatedRequest = object & { readonly raw?: object };

const callers = new WeakMap<object, Caller>();

/** Files the caller under the objects that handlers are given. */
export function rememberCaller(caller: Caller, ...holders: readonly object[]): void {
  for (const holder of holders) callers.set(holder, caller);
}

/**
 * The workload that sent a request which {@link requireCallerExpress}, {@link requireCallerFastify} or
 * {@link requireCallerHono} let through.
 *
 * @throws `TypeError` when none of them did: then the handler stands where nobody is authenticated.
 */
export function getCaller(request: AuthenticatedRequest): Caller {
  const caller = callers.get(request) ?? (request.raw === undefined ? undefined : callers.get(request.raw));
  if (caller === undefined) throw new TypeError('the request was not authenticated: no requireCaller… ran before this');
  return caller;
}
