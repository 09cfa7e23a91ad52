import type { IncomingMessage } from 'node:http';
import { RequestAuthenticationError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import { tell } from '../internal/tell.js';
import type { WitSvidSource } from '../wit/index.js';
import type { ProofMechanism } from './proof-mechanism.js';
import { type Refusal, refusalOf } from './refusal.js';
import type { AuthenticatableRequest, Caller, RequestAuthenticator, SignatureCaller } from './request-authenticator.js';
import type { AnswerSigning } from './signed-answer.js';

/** How answers are signed, for clients that ask for it in their signature. */
export interface AnswerSigningOptions {
  /**
   * The WIT-SVID that such answers are signed with; each is held back until it ends. What is written past the response,
   * to its socket or HTTP/2 stream, is neither held nor signed. Default: none, and such requests are refused with 501
   * before the handler is called.
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

/** What every way to let callers in can be told; `Source` is what it knows of a request. */
export interface RequireCallerOptions<Source = IncomingMessage> extends AnswerSigningOptions {
  /**
   * Told why a request was refused, before the answer goes out: a `RequestAuthenticationError`, or what the authenticator
   * threw instead, such as a `TypeError` about a body that was read before. What this throws is ignored. Default: nobody
   * is told.
   */
  readonly onRefused?: ((error: unknown, source: Source) => void) | undefined;
}

/** What became of a request before the application was asked. */
export type Admission<Mechanism extends ProofMechanism> =
  | {
      readonly kind: 'admitted';
      readonly caller: Caller<Mechanism>;
      /** How the answer has to be signed; `undefined` when nobody asked for that. */
      readonly signing: AnswerSigning | undefined;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly error: unknown }
  /** The client has gone, so there is nobody to answer. */
  | { readonly kind: 'gone' };

interface AdmissionContext {
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** Told why a request is refused, before anything is answered, or why its answer could not be signed. */
  readonly onRefused: (error: unknown) => void;
}

/** Authenticates one request, and finds out whether its answer has to be signed. */
export type Admit<Mechanism extends ProofMechanism> = (
  request: AuthenticatableRequest,
  context: AdmissionContext,
) => Promise<Admission<Mechanism>>;

/** The one way in, whatever framework stands around it. */
export function createAdmission<Mechanism extends ProofMechanism>(
  authenticate: RequestAuthenticator<Mechanism>,
  { sign, clock, maxSignedBytes: maxBytes = 1_048_576 }: AnswerSigningOptions,
): Admit<Mechanism> {
  if (typeof authenticate !== 'function') throw new TypeError('authenticate must be a request authenticator');
  if (sign !== undefined && typeof sign.getWitSvid !== 'function') {
    throw new TypeError('sign must have a method getWitSvid()');
  }
  if (!(maxBytes >= 0)) throw new TypeError('maxSignedBytes must be a number of bytes');

  return async (request, { signal, onRefused }) => {
    const tellRefused = (error: unknown): void => tell(onRefused, error);
    try {
      const caller = await authenticate(request, { signal, signsResponses: sign !== undefined });
      if (signal.aborted) return { kind: 'gone' };
      if (sign === undefined || !asksForSignature(caller)) return { kind: 'admitted', caller, signing: undefined };
      checkCanSign(sign);
      const signing = { caller, sign, clock, maxBytes, onFailed: tellRefused };
      return { kind: 'admitted', caller, signing };
    } catch (error) {
      tellRefused(error);
      return signal.aborted ? { kind: 'gone' } : { kind: 'refused', refusal: refusalOf(error), error };
    }
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
