import { admitWhileOpen, type ClosableResponse, checkAuthenticator } from './admission.js';
import type { AuthenticatableRequest, RequestAuthenticator } from './request-authenticator.js';
import { rememberCaller } from './verified-caller.js';

/** What of a `FastifyRequest` is looked at: the request of `node:http` or `node:http2`. */
export interface FastifyRequestLike {
  readonly raw: AuthenticatableRequest;
}

/** What of a `FastifyReply` is used. */
export interface FastifyReplyLike {
  readonly raw: ClosableResponse;
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body?: string): unknown;
}

/** An `onRequest` hook of Fastify. */
export type FastifyHook = (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>;

export interface RequireCallerFastifyOptions {
  /**
   * Told why a request was refused, before the answer goes out: a `RequestAuthenticationError`, or what the authenticator
   * threw instead. Default: nobody is told.
   */
  readonly onRefused?: ((error: unknown, request: FastifyRequestLike) => void) | undefined;
}

/**
 * An `onRequest` hook for Fastify 5, over HTTP/1.1 or HTTP/2, that lets only authenticated requests through and answers
 * the others with `refusalOf`. The body is not read before. A hook covers the routes of the instance it is added to, and
 * of plugins registered there; Fastify's own `setErrorHandler` sees what is no refusal.
 *
 * ```ts
 * app.addHook('onRequest', requireCallerFastify(authenticate));
 * app.get('/orders', async (request) => `hello ${getCaller(request).id}`);
 * ```
 */
export function requireCallerFastify(
  authenticate: RequestAuthenticator,
  options: RequireCallerFastifyOptions = {},
): FastifyHook {
  checkAuthenticator(authenticate);
  return async (request, reply) => {
    const onRefused = (error: unknown): void => options.onRefused?.(error, request);
    const admission = await admitWhileOpen(authenticate, request.raw, reply.raw, onRefused);
    if (admission.kind === 'admitted') {
      rememberCaller(admission.caller, request.raw);
      return undefined;
    }
    if (admission.kind === 'refused') {
      const { status, headers, body } = admission.refusal;
      reply.code(status);
      reply.headers({ ...headers });
      reply.send(body);
    }
    // Fastify waits for the reply that it is given, and runs no handler.
    return reply;
  };
}
