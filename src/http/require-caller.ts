import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAdmission, type RequireCallerOptions } from './admission.js';
import { admitExchange, answerRefusal, type NodeResponse } from './node-exchange.js';
import type { ProofMechanism } from './proof-mechanism.js';
import type { AuthenticatableRequest, Caller, RequestAuthenticator } from './request-authenticator.js';

/** A request handler that is told who called. */
export type CallerHandler<
  Mechanism extends ProofMechanism = 'wpt',
  Request = IncomingMessage,
  Response = ServerResponse,
> = (request: Request, response: Response, caller: Caller<Mechanism>) => unknown;

/**
 * A listener for the servers of `node:http`, `node:https` and `node:http2` that lets only authenticated requests through
 * to the handler and answers the others with `refusalOf`. When the client goes away while the request is being
 * authenticated, nothing is answered and the handler is not called. What the handler throws or rejects with is not
 * caught. The body of a signed request was read to be verified: the handler finds it in `caller.body`, and nothing more
 * in the request. Trailers are never verified.
 *
 * ```ts
 * createServer(requireCaller(authenticate, (request, response, caller) => response.end(`hello ${caller.id}`)));
 * ```
 *
 * For `node:http2` the handler names its types: `(request: Http2ServerRequest, response: Http2ServerResponse, caller)`.
 */
export function requireCaller<
  Mechanism extends ProofMechanism = 'wpt',
  Request extends AuthenticatableRequest = IncomingMessage,
  Response extends NodeResponse = ServerResponse,
>(
  authenticate: RequestAuthenticator<Mechanism>,
  handler: CallerHandler<Mechanism, Request, Response>,
  options: RequireCallerOptions<Request> = {},
): (request: Request, response: Response) => Promise<void> {
  if (typeof handler !== 'function') throw new TypeError('handler must be a function');
  const admit = createAdmission(authenticate, options);
  return async (request, response) => {
    const onRefused = (error: unknown): void => options.onRefused?.(error, request);
    const admission = await admitExchange(admit, request, response, onRefused);
    if (admission.kind === 'admitted') await handler(request, response, admission.caller);
    else if (admission.kind === 'refused') answerRefusal(response, admission.refusal);
  };
}
