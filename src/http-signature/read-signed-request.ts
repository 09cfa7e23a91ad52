import { readComponents } from './component.js';
import { coveredDraft } from './coverage.js';
import { HTTP_SIGNATURE_DRAFTS, type HttpSignatureDraft, listedDrafts } from './drafts.js';
import { type HttpRequestMessage, readRequest } from './message.js';
import { profileSignature, readProfileParameters, readSignResponse } from './profile-signature.js';
import { SignedRequest } from './sign-request.js';

export interface ReadSignedRequestOptions {
  /** The drafts that it may follow, in the order in which their coverage is tried. Default all, the newest first. */
  readonly drafts?: readonly HttpSignatureDraft[] | undefined;
}

/**
 * A request that was signed and sent before, for {@link verifyResponse} in another process than the one of
 * {@link signRequest}: after a restart, from a queue, or where something else signs. Nothing of it is verified, and a
 * response is held to it ("Signing the Response"), so it must be one's own copy and never what the other side says.
 *
 * @param request - with all fields that it was sent with; the `fields` of what this gives are none.
 * @throws `HttpSignatureError` when it has no signature of the profile or one that no receiver would accept:
 * `missing_signature`, `ambiguous_signature`, `not_covered`, `missing_parameter` and others.
 */
export function readSignedRequest(request: HttpRequestMessage, options: ReadSignedRequestOptions = {}): SignedRequest {
  const drafts = listedDrafts(options.drafts ?? (Object.keys(HTTP_SIGNATURE_DRAFTS) as HttpSignatureDraft[]));
  const message = readRequest(request);
  const { parameters, items } = profileSignature(message.fields).input;
  const { nonce } = readProfileParameters(parameters, ['wimse-req-nonce']);
  const signResponse = readSignResponse(parameters);
  const draft = coveredDraft(readComponents(items), message, drafts);
  return new SignedRequest([], { message, draft, nonce, signResponse });
}
