import type { HttpSignatureErrorCode } from './http-signature-error.js';
import { SvidkitError } from './svidkit-error.js';
import type { WitErrorCode } from './wit-error.js';
import type { WptErrorCode } from './wpt-error.js';

/**
 * Why a request is not authenticated. Besides the rules of the tokens (then `cause` is the `WitError`, `WptError` or
 * `HttpSignatureError`, whose class says what was refused):
 *
 * - `no_credentials`: the request carries no proof of possession; a bare WIT, wherever it stands, counts as none.
 * - `mechanism_not_accepted`: it carries a proof token where signatures are accepted, or the other way round.
 * - `body_too_large`: the body is longer than may be held back until it is verified.
 * - `cannot_sign_response`: the client asks for a signed response, and none can be given here.
 * - `unavailable`: the bundles could not be read, so nothing could be verified; `cause` is what the source threw.
 * - `content_mismatch`: the content of a message is not the one that its proof covers, or the proof covers none.
 */
export type RequestAuthenticationErrorCode =
  | WitErrorCode
  | WptErrorCode
  | HttpSignatureErrorCode
  | 'no_credentials'
  | 'mechanism_not_accepted'
  | 'body_too_large'
  | 'cannot_sign_response'
  | 'unavailable'
  | 'content_mismatch';

/**
 * The status of a refusal: of the request (400), its credentials (401), its sender (403), its length (413), for want of
 * the signature that it asks for (501, or 500 when there is an answer to sign), or for want of a verdict (503).
 */
export type RefusalStatus = 400 | 401 | 403 | 413 | 500 | 501 | 503;

export interface RequestAuthenticationErrorOptions extends ErrorOptions {
  readonly status: RefusalStatus;
  readonly challenge?: string | undefined;
}

/**
 * A request whose sender is not known or not admitted. What may be answered is what `refusalOf` of `svidkit/http`
 * makes of it; code, message and cause are for our side only.
 */
export class RequestAuthenticationError extends SvidkitError<RequestAuthenticationErrorCode> {
  /** The HTTP status to answer with. */
  readonly status: RefusalStatus;
  /** The value of `WWW-Authenticate` that goes with a 401. */
  readonly challenge: string | undefined;

  constructor(
    code: RequestAuthenticationErrorCode,
    message: string,
    { status, challenge, ...options }: RequestAuthenticationErrorOptions,
  ) {
    super(code, message, options);
    this.status = status;
    this.challenge = challenge;
  }
}

/**
 * Why the proving `fetch` does not send a request, or does not follow where a response points; and why a proving gRPC
 * channel does not send a call.
 *
 * - `not_tls`: the target is not https, or the gRPC channel not of TLS, and a token must not travel over a channel that
 *   is not secured (draft-ietf-wimse-wpt, security considerations).
 * - `authorization_taken`: the request has an `Authorization` header of its own, and so has the proof of this draft.
 * - `unsupported_authorization`: `Authorization` is neither of the Bearer nor of the DPoP scheme, so no proof can
 *   cover it.
 * - `reserved_header`: the request already carries a `Workload-Identity-Token` or a `Workload-Proof-Token`, or, where
 *   it is to be signed, a `Signature` or a `Signature-Input`.
 * - `duplicate_header`: the metadata of a call has a token more than once.
 * - `stream_body`: the body is a stream, and a signature needs all of it before it is sent.
 * - `cross_origin_redirect`: a redirect to another origin; neither the proof nor anything else was sent there.
 * - `bad_redirect`: a redirect whose `Location` cannot be read, or a redirect where none was allowed.
 * - `too_many_redirects`: more than 20.
 * - `response_not_verified`: the response had to be signed by the expected server and is not, or is signed and cannot
 *   be verified; `cause` is the rule that refused it.
 * - `response_too_large`: the response is longer than may be held back until it is verified.
 * - `body_not_replayable`: a redirect that asks for the body again, which was a stream and is used up.
 */
export type ProvingFetchErrorCode =
  | 'not_tls'
  | 'authorization_taken'
  | 'unsupported_authorization'
  | 'reserved_header'
  | 'duplicate_header'
  | 'stream_body'
  | 'cross_origin_redirect'
  | 'bad_redirect'
  | 'too_many_redirects'
  | 'response_not_verified'
  | 'response_too_large'
  | 'body_not_replayable';

/** A request that the proving `fetch`, or a call that a proving gRPC channel, will not make. */
export class ProvingFetchError extends SvidkitError<ProvingFetchErrorCode> {}
