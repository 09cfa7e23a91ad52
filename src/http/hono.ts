import { type Admission, admit, admitWhileOpen, type ClosableResponse, checkAuthenticator } from './admission.js';
import { readFetchRequest } from './fetch-request.js';
import type { AuthenticatableRequest, RequestAuthenticator } from './request-authenticator.js';
import { rememberCaller } from './verified-caller.js';

/** What of Hono's `Context` is looked at. */
export interface HonoContextLike {
  readonly req: { readonly raw: Request };
  readonly env: unknown;
}

/** A middleware of Hono. */
export type HonoMiddleware = (context: HonoContextLike, next: () => Promise<void>) => Promise<Response | undefined>;

export interface RequireCallerHonoOptions {
  /**
   * Told why a request was refused, before the answer goes out: a `RequestAuthenticationError`, or what the authenticator
   * threw instead. Default: nobody is told.
   */
  readonly onRefused?: ((error: unknown, context: HonoContextLike) => void) | undefined;
}

/**
 * A middleware for Hono that lets only authenticated requests through and answers the others with `refusalOf`. On
 * `@hono/node-server` it looks at the request of `node:http` or `node:http2`, with every header field as it came; on
 * other platforms at the `Request`, by the rules of {@link readFetchRequest}.
 *
 * ```ts
 * app.use(requireCallerHono(authenticate));
 * app.get('/orders', (context) => context.text(`hello ${getCaller(context).id}`));
 * ```
 */
export function requireCallerHono(
  authenticate: RequestAuthenticator,
  options: RequireCallerHonoOptions = {},
): HonoMiddleware {
  checkAuthenticator(authenticate);
  return async (context, next) => {
    const admission = await admitContext(authenticate, context, (error) => options.onRefused?.(error, context));
    if (admission.kind === 'admitted') {
      rememberCaller(admission.caller, context, context.req.raw);
      await next();
      return undefined;
    }
    // Nobody reads the answer to a client that has gone; Hono wants one all the same.
    if (admission.kind === 'gone') return new Response(null, { status: 503 });
    const { status, headers, body } = admission.refusal;
    return new Response(body ?? null, { status, headers });
  };
}

function admitContext(
  authenticate: RequestAuthenticator,
  { env, req }: HonoContextLike,
  onRefused: (error: unknown) => void,
): Promise<Admission> {
  if (isNodeServer(env)) return admitWhileOpen(authenticate, env.incoming, env.outgoing, onRefused);
  return admit(authenticate, readFetchRequest(req.raw), { signal: req.raw.signal, onRefused });
}

/** The bindings of `@hono/node-server`. */
interface NodeServerBindings {
  readonly incoming: AuthenticatableRequest;
  readonly outgoing: ClosableResponse;
}

function isNodeServer(env: unknown): env is NodeServerBindings {
  return typeof env === 'object' && env !== null && 'incoming' in env && 'outgoing' in env;
}
