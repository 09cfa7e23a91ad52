import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAdmission, type RequireCallerOptions } from './admission.js';
import { admitExchange, answerRefusal } from './node-exchange.js';
import type { ProofMechanism } from './proof-mechanism.js';
import type { RequestAuthenticator } from './request-authenticator.js';
import { rememberCaller } from './verified-caller.js';

/** A middleware of Express, or of whatever else calls functions with these three. */
export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * A middleware for Express 5 that lets only authenticated requests through, and answers the others with `refusalOf`. It
 * stands before every handler that needs a caller, at any mount point: audiences are compared with the URL that the
 * request came with.
 *
 * Where signed requests are accepted it stands before every body parser as well: the body of such a request is read here
 * to be verified, is in `getCaller(request).body`, and is no longer in the request. A request that a parser was given
 * before is refused with 500, and `onRefused` told why. Whatever changes answers, such as compression, comes after it too:
 * what is signed is what is written here.
 *
 * ```ts
 * app.use(requireCallerExpress(authenticate));
 * app.get('/orders', (request, response) => response.send(`hello ${getCaller(request).id}`));
 * ```
 */
export function requireCallerExpress<Mechanism extends ProofMechanism>(
  authenticate: RequestAuthenticator<Mechanism>,
  options: RequireCallerOptions = {},
): ExpressMiddleware {
  const admit = createAdmission(authenticate, options);
  return async (request, response, next) => {
    const onRefused = (error: unknown): void => options.onRefused?.(error, request);
    const admission = await admitExchange(admit, request, response, onRefused);
    if (admission.kind === 'admitted') {
      rememberCaller(admission.caller, request);
      next();
    } else if (admission.kind === 'refused') {
      answerRefusal(response, admission.refusal);
    }
  };
}
