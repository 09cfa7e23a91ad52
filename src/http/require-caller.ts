import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { RequestAuthenticationError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { WitSvidSource } from '../wit/index.js';
import type { ProofMechanism } from './proof-mechanism.js';
import { refusalOf } from './refusal.js';
import type { Caller, RequestAuthenticator, SignatureCaller } from './request-authenticator.js';
import { holdForSigning } from './signed-answer.js';

/** A request handler that is told who called. */
export type CallerHandler<Mechanism extends ProofMechanism = 'wpt'> = (
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller<Mechanism>,
) => unknown;

export interface RequireCallerOptions {
  /**
   * Told why a request was refused, before the answer goes out: a `RequestAuthenticationError`, or what the authenticator
   * threw instead. Default: nobody is told.
   */
  readonly onRefused?: ((error: unknown, request: IncomingMessage) => void) | undefined;
}

export interface RequireCallerSigningOptions extends RequireCallerOptions {
  /**
   * The WIT-SVID that answers are signed with, for clients that ask for it in their signature. Such an answer is held
   * back until it ends. Default: none, and such requests are refused with 501 before the handler is called.
   */
  readonly sign?: WitSvidSource | undefined;
  /**
   * The longest answer that is held to be signed, in bytes. A longer one is thrown away for a 500, and `onRefused` is
   * told. Default 1 MiB.
   */
  readonly maxSignedBytes?: number | undefined;
  /** For the signatures of answers: milliseconds since the epoch. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/**
 * A listener for `node:http` servers that lets only authenticated requests through to the handler and answers the others
 * with `refusalOf`. When the client goes away while the request is being authenticated, nothing is answered and the
 * handler is not called. What the handler throws or rejects with is not caught. The body of a signed request was read to
 * be verified: the handler finds it in `caller.body`, and nothing more in the request.
 *
 * ```ts
 * createServer(requireCaller(authenticate, (request, response, caller) => response.end(`hello ${caller.id}`)));
 * ```
 */
export function requireCaller<Mechanism extends ProofMechanism = 'wpt'>(
  authenticate: RequestAuthenticator<Mechanism>,
  handler: CallerHandler<Mechanism>,
  options: RequireCallerSigningOptions = {},
): RequestListener {
  if (typeof authenticate !== 'function') throw new TypeError('authenticate must be a request authenticator');
  if (typeof handler !== 'function') throw new TypeError('handler must be a function');
  const { sign, clock, maxSignedBytes = 1_048_576 } = options;
  if (sign !== undefined && typeof sign.getWitSvid !== 'function') {
    throw new TypeError('sign must have a method getWitSvid()');
  }
  if (!(maxSignedBytes >= 0)) throw new TypeError('maxSignedBytes must be a number of bytes');

  return async (request, response) => {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    response.once('close', leave);
    let caller: Caller<Mechanism>;
    try {
      caller = await authenticate(request, { signal: gone.signal, signsResponses: sign !== undefined });
      if (sign !== undefined && asksForSignature(caller)) {
        checkCanSign(sign);
        const onFailed = (error: unknown): void => options.onRefused?.(error, request);
        holdForSigning(response, { caller, sign, clock, maxBytes: maxSignedBytes, onFailed });
      }
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

function asksForSignature(caller: Caller<ProofMechanism>): caller is SignatureCaller {
  return caller.body !== undefined && caller.proof.signResponse;
}

/** Before the handler does anything, because what it does could not be answered. */
function checkCanSign(sign: WitSvidSource): void {
  try {
    sign.getWitSvid();
  } catch (cause) {
    const message = 'there is no identity to sign the answer with';
    throw new RequestAuthenticationError('cannot_sign_response', message, { cause, status: 501 });
  }
}
