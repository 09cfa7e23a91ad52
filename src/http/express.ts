import type { IncomingMessage, ServerResponse } from 'node:http';
import { admitWhileOpen, checkAuthenticator } from './admission.js';
import type { RequestAuthenticator } from './request-authenticator.js';
import type { RequireCallerOptions } from './require-caller.js';
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
 * request came with. What is no refusal, such as an error of `onRefused`, goes to the error handlers.
 *
 * ```ts
 * app.use(requireCallerExpress(authenticate));
 * app.get('/orders', (request, response) => response.send(`hello ${getCaller(request).id}`));
 * ```
 */
export function requireCallerExpress(
  authenticate: RequestAuthenticator,
  options: RequireCallerOptions = {},
): ExpressMiddleware {
  checkAuthenticator(authenticate);
  return async (request, response, next) => {
    const onRefused = (error: unknown): void => options.onRefused?.(error, request);
    const admission = await admitWhileOpen(authenticate, request, response, onRefused);
    if (admission.kind === 'admitted') {
      rememberCaller(admission.caller, request);
      next();
    } else if (admission.kind === 'refused') {
      const { status, headers, body } = admission.refusal;
      response.writeHead(status, headers).end(body);
    }
  };
}
