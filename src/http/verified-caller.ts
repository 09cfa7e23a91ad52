import type { ProofMechanism } from './proof-mechanism.js';
import type { Caller } from './request-authenticator.js';

/**
 * What a framework hands to its handlers: the request of Express; the request of Fastify, whose `raw` is that of
 * `node:http`; the context of Hono, or its `req`; the call of grpc-js, by its `metadata`.
 */
export type AuthenticatedRequest = object & { readonly raw?: object; readonly metadata?: object };

const callers = new WeakMap<object, Caller<ProofMechanism>>();

/** Files the caller under the objects that handlers are given. */
export function rememberCaller(caller: Caller<ProofMechanism>, ...holders: readonly object[]): void {
  for (const holder of holders) callers.set(holder, caller);
}

/**
 * The workload that sent a request which {@link requireCallerExpress}, {@link requireCallerFastify},
 * {@link requireCallerHono} or {@link requireCallerGrpc} let through. Where a handler serves one mechanism only, naming
 * it holds the caller to it; otherwise whether there is a `body` tells the types apart.
 *
 * ```ts
 * const order = JSON.parse(Buffer.from(getCaller(request, 'http-signature').body.bytes).toString());
 * ```
 *
 * @throws `TypeError` when none of them did: then the handler stands where nobody is authenticated; and when the caller
 * has proven itself in another way than the one that is named.
 */
export function getCaller<Mechanism extends ProofMechanism = ProofMechanism>(
  request: AuthenticatedRequest,
  mechanism?: Mechanism,
): Caller<Mechanism> {
  for (const holder of [request, request.raw, request.metadata]) {
    const caller = holder === undefined ? undefined : callers.get(holder);
    if (caller === undefined) continue;
    if (isBy(caller, mechanism)) return caller;
    throw new TypeError(`the caller has proven itself by ${caller.proof.kind}, and not by ${mechanism}`);
  }
  throw new TypeError('the request was not authenticated: no requireCaller… ran before this');
}

function isBy<Mechanism extends ProofMechanism>(
  caller: Caller<ProofMechanism>,
  mechanism: Mechanism | undefined,
): caller is Caller<Mechanism> {
  return mechanism === undefined || caller.proof.kind === mechanism;
}
