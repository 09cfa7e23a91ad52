import { createAdmission, type RequireCallerOptions } from './admission.js';
import { readFetchRequest, withVerifiedBody } from './fetch-request.js';
import type { ProofMechanism } from './proof-mechanism.js';
import { type Refusal, refusalOf } from './refusal.js';
import type { Caller, RequestAuthenticator } from './request-authenticator.js';
import { type AnswerSigning, isWithoutContent, signAnswer, tooLongToSign } from './signed-answer.js';

/** A request handler of the Fetch Standard that is told who called; `rest` is whatever else the platform gives. */
export type FetchCallerHandler<Mechanism extends ProofMechanism, Rest extends readonly unknown[]> = (
  request: Request,
  caller: Caller<Mechanism>,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * A handler for servers that speak the Fetch Standard (Bun, Deno, workers): only authenticated requests reach the given
 * one, and the others are answered with `refusalOf`. Header fields are looked at by the rules of {@link readFetchRequest}.
 * A signed request comes with its verified body, which is in `caller.body` as well.
 *
 * ```ts
 * export default { fetch: requireCallerFetch(authenticate, (request, caller) => new Response(`hello ${caller.id}`)) };
 * ```
 */
export function requireCallerFetch<
  Mechanism extends ProofMechanism = 'wpt',
  Rest extends readonly unknown[] = readonly unknown[],
>(
  authenticate: RequestAuthenticator<Mechanism>,
  handler: FetchCallerHandler<Mechanism, Rest>,
  options: RequireCallerOptions<Request> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  if (typeof handler !== 'function') throw new TypeError('handler must be a function');
  const admit = createAdmission(authenticate, options);
  return async (request, ...rest) => {
    const onRefused = (error: unknown): void => options.onRefused?.(error, request);
    const admission = await admit(readFetchRequest(request), { signal: request.signal, onRefused });
    if (admission.kind === 'gone') return goneResponse();
    if (admission.kind === 'refused') return refusalResponse(admission.refusal);
    const { caller, signing } = admission;
    const verified = caller.body === undefined ? request : withVerifiedBody(request, caller.body.bytes);
    const response = await handler(verified, caller, ...rest);
    return signing === undefined ? response : signedResponse(response, request.method, signing);
  };
}

/** Nobody reads the answer to a client that has gone; a platform wants one all the same. */
export function goneResponse(): Response {
  return new Response(null, { status: 503 });
}

export function refusalResponse({ status, headers, body }: Refusal): Response {
  return new Response(body ?? null, { status, headers });
}

/**
 * The response with its signature (draft-ietf-wimse-http-signature, "Signing the Response"), once all of its body has
 * come. One that is too long, or cannot be signed, is thrown away for a 500: an unsigned success never goes out.
 */
export async function signedResponse(response: Response, method: string, signing: AnswerSigning): Promise<Response> {
  try {
    const { status, statusText } = response;
    const body = isWithoutContent(method, status) ? null : await wholeBody(response.body, signing.maxBytes);
    const headers = new Headers(response.headers);
    if (body !== null) headers.set('Content-Length', `${body.length}`);
    const rawHeaders = Array.from(headers).flat();
    for (const [name, value] of await signAnswer({ status, rawHeaders, body }, signing)) headers.append(name, value);
    return new Response(body, { status, statusText, headers });
  } catch (error) {
    signing.onFailed(error);
    return refusalResponse(refusalOf(error));
  }
}

async function wholeBody(body: Response['body'], maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (body === null) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw tooLongToSign(maxBytes);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
