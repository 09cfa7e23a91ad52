import { type Admission, type Admit, createAdmission, type RequireCallerOptions } from './admission.js';
import { goneResponse, refusalResponse, signedResponse } from './fetch-exchange.js';
import { readFetchRequest, withVerifiedBody } from './fetch-request.js';
import { type ClosableResponse, whileOpen } from './node-exchange.js';
import type { ProofMechanism } from './proof-mechanism.js';
import type { AuthenticatableRequest, RequestAuthenticator } from './request-authenticator.js';
import { rememberCaller } from './verified-caller.js';

/** What of Hono's `Context` is used. */
export interface HonoContextLike {
  readonly req: { raw: Request };
  readonly env: unknown;
  res: Response;
}

/** A middleware of Hono. */
export type HonoMiddleware = (context: HonoContextLike, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * A middleware for Hono that lets only authenticated requests through and answers the others with `refusalOf`. On
 * `@hono/node-server` it looks at the request of `node:http` or `node:http2`, with every header field as it came; on
 * other platforms at the `Request`, by the rules of {@link readFetchRequest}.
 *
 * A signed request goes on with its verified body, for `context.req.json()` and the like; a body that a middleware has
 * read before is refused with 500, and `onRefused` told why. Answers are signed when they come back through here: add it
 * before whatever changes them, such as compression.
 *
 * ```ts
 * app.use(requireCallerHono(authenticate));
 * app.get('/orders', (context) => context.text(`hello ${getCaller(context).id}`));
 * ```
 */
export function requireCallerHono<Mechanism extends ProofMechanism>(
  authenticate: RequestAuthenticator<Mechanism>,
  options: RequireCallerOptions<HonoContextLike> = {},
): HonoMiddleware {
  const admit = createAdmission(authenticate, options);
  return async (context, next) => {
    const { req } = context;
    const admission = await admitContext(admit, context, (error) => options.onRefused?.(error, context));
    if (admission.kind === 'gone') return goneResponse();
    if (admission.kind === 'refused') return refusalResponse(admission.refusal);
    const { caller, signing } = admission;
    if (caller.body !== undefined) req.raw = withVerifiedBody(req.raw, caller.body.bytes);
    rememberCaller(caller, context, req.raw);
    await next();
    if (signing !== undefined) replaceResponse(context, await signedResponse(context.res, req.raw.method, signing));
    return undefined;
  };
}

function admitContext<Mechanism extends ProofMechanism>(
  admit: Admit<Mechanism>,
  { env, req }: HonoContextLike,
  onRefused: (error: unknown) => void,
): Promise<Admission<Mechanism>> {
  if (!isNodeServer(env)) return admit(readFetchRequest(req.raw), { signal: req.raw.signal, onRefused });
  const { incoming, outgoing } = env;
  return whileOpen(outgoing, (signal) => admit(incoming, { signal, onRefused }));
}

/** Hono puts the fields of the response that was there into the one that is set; into none when there was none. */
function replaceResponse(context: { res: Response | undefined }, response: Response): void {
  context.res = undefined;
  context.res = response;
}

/** The bindings of `@hono/node-server`. */
interface NodeServerBindings {
  readonly incoming: AuthenticatableRequest;
  readonly outgoing: ClosableResponse;
}

function isNodeServer(env: unknown): env is NodeServerBindings {
  return typeof env === 'object' && env !== null && 'incoming' in env && 'outgoing' in env;
}
