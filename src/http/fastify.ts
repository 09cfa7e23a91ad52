import { Readable } from 'node:stream';
import { createAdmission, type RequireCallerOptions } from './admission.js';
import { admitExchange, type NodeResponse } from './node-exchange.js';
import type { ProofMechanism } from './proof-mechanism.js';
import type { AuthenticatableRequest, RequestAuthenticator } from './request-authenticator.js';
import { rememberCaller } from './verified-caller.js';

/** What of a `FastifyRequest` is looked at: the request of `node:http` or `node:http2`. */
export interface FastifyRequestLike {
  readonly raw: AuthenticatableRequest;
}

/** What of a `FastifyReply` is used. */
export interface FastifyReplyLike {
  readonly raw: NodeResponse;
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body?: string): unknown;
  hijack(): unknown;
}

/** A `preParsing` hook of Fastify: what it gives is parsed in the place of the request. */
export type FastifyHook = (
  request: FastifyRequestLike,
  reply: FastifyReplyLike,
  payload: unknown,
) => Promise<Readable | undefined>;

/**
 * A `preParsing` hook for Fastify 5, over HTTP/1.1 or HTTP/2, that lets only authenticated requests through and answers
 * the others with `refusalOf`. A hook covers the routes of the instance it is added to, and of plugins registered there;
 * Fastify's own `setErrorHandler` sees what is no refusal.
 *
 * The body of a signed request is read here to be verified; Fastify's content type parsers are given the verified bytes,
 * which are also in `getCaller(request).body`. A signed body that another hook has replaced or read before is refused
 * with 500.
 *
 * ```ts
 * app.addHook('preParsing', requireCallerFastify(authenticate));
 * app.get('/orders', async (request) => `hello ${getCaller(request).id}`);
 * ```
 */
export function requireCallerFastify<Mechanism extends ProofMechanism>(
  authenticate: RequestAuthenticator<Mechanism>,
  options: RequireCallerOptions<FastifyRequestLike> = {},
): FastifyHook {
  const admit = createAdmission(authenticate, options);
  return async (request, reply, payload) => {
    const { raw } = request;
    if (typeof payload !== 'object') throw new TypeError('requireCallerFastify() is a hook for preParsing');
    const onRefused = (error: unknown): void => options.onRefused?.(error, request);
    const admission = await admitExchange(admit, raw, reply.raw, onRefused);
    if (admission.kind === 'admitted') {
      const { caller } = admission;
      if (caller.body !== undefined && payload !== raw) {
        throw new TypeError('another hook has replaced the signed body: add requireCallerFastify() before it');
      }
      rememberCaller(caller, raw);
      return caller.body === undefined ? undefined : Readable.from([caller.body.bytes], { objectMode: false });
    }
    if (admission.kind === 'gone') {
      reply.hijack();
    } else {
      const { status, headers, body } = admission.refusal;
      reply.code(status);
      reply.headers({ ...headers });
      reply.send(body);
    }
    // Fastify runs no handler once there is a reply, or none wanted.
    return undefined;
  };
}
