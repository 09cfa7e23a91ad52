import { type Clock, systemClock } from '../internal/clock.js';
import type { WitCredential, WitSvid } from '../wit/index.js';
import { isBodylessResponse } from './body-rules.js';
import type { ComponentLike, NamedComponent } from './component.js';
import type { DigestAlgorithm } from './content-digest.js';
import { checkResponseFields, responseComponents, WIT_FIELD } from './coverage.js';
import { credentialOf, lifeOf } from './credential.js';
import { digestFields, type OutgoingBody } from './digest-fields.js';
import { keptRequest } from './kept-request.js';
import { type HeaderFields, readResponse } from './message.js';
import { WIMSE_LABEL, WIMSE_TAG } from './profile-signature.js';
import { signRead } from './sign-message.js';
import { newNonce, withFurther } from './sign-request.js';
import type { ProvenRequest } from './verify-request.js';

/** A response to be signed, with all its fields but those that are made here. */
export interface OutgoingResponse extends OutgoingBody {
  readonly status: number;
  readonly rawHeaders: readonly string[];
}

export interface SignResponseOptions {
  /** What {@link verifyRequest} gave for the request that is answered. Its draft is followed. */
  readonly request: ProvenRequest;
  /** How long the signature is valid, in whole seconds from 1 to 300. Default 60. Never beyond the end of the WIT. */
  readonly lifetimeSeconds?: number | undefined;
  /** What to cover besides what the draft asks for, as in {@link SignRequestOptions}. Default nothing. */
  readonly components?: readonly ComponentLike[] | undefined;
  /** The name of the signature. Default `wimse`. */
  readonly label?: string | undefined;
  /** For the `Content-Digest` of the body. Default `sha-256`. */
  readonly digestAlgorithm?: DigestAlgorithm | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
}

/**
 * Signs a response with the key of this workload's WIT, bound to the request it answers (draft-ietf-wimse-http-signature,
 * "Signing the Response"). Gives the header fields to add. When it throws and the client asked for a signed response,
 * answer 400 or 501: an unsigned success must not go out.
 *
 * @throws `HttpSignatureError` `missing_content_digest` when the body is not known, as of a stream; otherwise as
 * {@link signRequest}.
 */
export async function signResponse(
  svid: WitSvid | WitCredential,
  response: OutgoingResponse,
  options: SignResponseOptions,
): Promise<HeaderFields> {
  const { label = WIMSE_LABEL, clock = systemClock } = options;
  const request = keptRequest(options.request);
  const credential = credentialOf(svid);
  const life = lifeOf(credential, options.lifetimeSeconds ?? 60, clock);

  const plain = readResponse(response);
  if (plain.fields.has('workload-identity-token')) throw new TypeError(`${WIT_FIELD} is added here; leave it out`);
  const isBodyless = isBodylessResponse({ ...plain, request: request.message });
  const added: HeaderFields = [
    ...digestFields(plain.fields, response, options.digestAlgorithm ?? 'sha-256', isBodyless),
    [WIT_FIELD, credential.token],
  ];
  const message = {
    ...readResponse({ ...response, rawHeaders: [...response.rawHeaders, ...added.flat()] }),
    request: request.message,
  };
  checkResponseFields(message.fields);
  const { own, ofRequest } = responseComponents(message, request.draft);
  const bound = ofRequest.map((name): NamedComponent => ({ name, parameters: { req: true } }));
  const signature = await signRead(message, credential.signer, {
    components: withFurther([...own, ...bound], options.components),
    parameters: { ...life, nonce: newNonce(), tag: WIMSE_TAG, 'wimse-req-nonce': request.nonce },
    label,
    external: credential.external,
  });
  return Object.freeze([...added, ...signature]);
}
