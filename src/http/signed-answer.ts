import { RequestAuthenticationError } from '../errors/index.js';
import { type HeaderFields, signResponse } from '../http-signature/index.js';
import type { Clock } from '../internal/clock.js';
import type { WitSvidSource } from '../wit/index.js';
import type { SignatureCaller } from './request-authenticator.js';

/** How the answer to one request has to be signed. */
export interface AnswerSigning {
  /** The very object that the authenticator gave. */
  readonly caller: SignatureCaller;
  readonly sign: WitSvidSource;
  /** How much of an answer is held until it is signed. */
  readonly maxBytes: number;
  readonly clock: Clock | undefined;
  /** Told why 500 goes out in the place of what the handler answered. */
  readonly onFailed: (error: unknown) => void;
}

/** What decides how an answer is understood, and where it sends the client, is signed with it. */
const FURTHER_FIELDS = ['content-encoding', 'location'] as const;

interface WholeAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array | null;
}

/** The fields to add to an answer. Throws when it cannot be signed: then 500 has to go out. */
export async function signAnswer(answer: WholeAnswer, { caller, sign, clock }: AnswerSigning): Promise<HeaderFields> {
  const names = new Set(answer.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const components = FURTHER_FIELDS.filter((name) => names.has(name));
  try {
    return await signResponse(sign.getWitSvid(), answer, { request: caller, components, clock });
  } catch (error) {
    throw unsignable('the answer cannot be signed', error);
  }
}

export function tooLongToSign(maxBytes: number): RequestAuthenticationError {
  return unsignable(`the answer has more than ${maxBytes} bytes`);
}

/** Without content, whatever was written (RFC 9110 section 6.4.1). */
export function isWithoutContent(method: string | undefined, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

function unsignable(message: string, cause?: unknown): RequestAuthenticationError {
  return new RequestAuthenticationError('cannot_sign_response', message, { cause, status: 500 });
}
