import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { refusalOf } from './refusal.js';
import type { Caller, RequestAuthenticator } from './request-authenticator.js';

/** A request handler that is told who called. */
export type CallerHandler = (request: IncomingMessage, response: ServerResponse, caller: Caller) => unknown;

export interface RequireCallerOptions {
  /**
   * Told why a request was refused, before the answer goes out: a `RequestAuthenticationError`, or what the authenticator
   * threw instead. Default: nobody is told.
   */
  readonly onRefused?: ((error: unknown, request: IncomingMessage) => void) | undefined;
}

/**
 * A listener for `node:http` servers that lets only authenticated requests through to the handler and answers the others
 * with `refusalOf`. When the client goes away while the request is being authenticated, nothing is answered and the
 * handler is not called. What the handler throws or rejects with is not caught.
 *
 * ```ts
 * createServer(requireCaller(authenticate, (request, response, caller) => response.end(`hello ${caller.id}`)));
 * ```
 */
export function requireCaller(
  authenticate: RequestAuthenticator,
  handler: CallerHandler,
  options: RequireCallerOptions = {},
): RequestListener {
  if (typeof authenticate !== 'function') throw new TypeError('authenticate must be a request authenticator');
  if (typeof handler !== 'function') throw new TypeError('handler must be a function');
  return async (request, response) => {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    response.once('close', leave);
    let caller: Caller;
    try {
      caller = await authenticate(request, { signal: gone.signal });
    } catch (error) {
      options.onRefused?.(error, request);
      if (gone.signal.aborted) return;
      const { status, headers, body } = refusalOf(error);
      response.writeHead(status, headers).end(body);
      return;
    } finally {
      response.off('close', leave);
    }
    if (!response.destroyed) await handler(request, response, caller);
  };
}
