import type { JwkRule } from '../internal/jwk.js';
import { SvidkitError } from './svidkit-error.js';

/**
 * Why an HTTP message signature, a Content-Digest, or a message that should carry them, is refused. Besides the rules
 * of the JWK reader, for keys:
 *
 * In how the signature travels:
 * - `bad_structured_field`, `duplicate_member`, `too_large`: `Signature-Input`, `Signature` or `Content-Digest` is not
 *   what RFC 8941 makes of it; says something twice; has more than 16384 characters, or covers more than 64 components.
 * - `missing_signature`: there is no signature, or none with the label or tag that is looked for.
 * - `unpaired_label`: a label stands in one of `Signature-Input` and `Signature` only.
 * - `ambiguous_signature`: several signatures have the tag.
 * - `not_canonical`: `Signature-Input` is not written as the signature base has it.
 * - `missing_wit`, `wit_mismatch`: no Workload-Identity-Token; not the one that was verified.
 * - `duplicate_header`, `bad_header`: a field that must be there once is repeated, or holds something else.
 * - `two_proofs`: a Workload Proof Token next to the signature.
 * - `response_not_signed`: the response had to be signed and is not.
 *
 * In what is signed:
 * - `bad_component`, `duplicate_component`, `unsupported_component`: a component identifier that RFC 9421 or the profile
 *   does not allow; one that is there twice; one that svidkit does not compute.
 * - `missing_component`, `bad_component_value`: the message does not have it; its value cannot stand in a signature base.
 * - `not_covered`: something that must be signed is not.
 * - `missing_parameter`, `bad_parameter`, `forbidden_parameter`: signature parameters, as the names say.
 *
 * In the signature:
 * - `alg_mismatch`, `keyid_mismatch`: another algorithm than that of the key; another name.
 * - `bad_signature`: not made with this key over this message.
 * - `expires_before_created`, `expired`, `not_yet_valid`, `lifetime_too_long`: as the names say; leeway included.
 * - `wit_expired`: the WIT has expired since it was verified, or before a signature was to be made.
 * - `wrong_audience`: `wimse-aud` is not one of the audiences that this verifier is configured with.
 * - `req_nonce_mismatch`: the response was made for another request.
 *
 * In the body:
 * - `missing_content_digest`: there is a body and no Content-Digest, so nothing binds the body.
 * - `unsupported_digest`, `weak_digest`: no algorithm that svidkit knows; one that RFC 9530 has deprecated.
 * - `digest_mismatch`: another body.
 * - `body_not_given`: the message has a body, and it was not given to the verifier.
 *
 * In what follows:
 * - `subject_token_refused`: the service's verifier did not accept a token that the signature covers; `cause` is what it threw.
 * - `not_authorized`: the authorizer did not answer `true`, or threw.
 * - `replayed`: this signature was used before.
 * - `replay_store_full`: there is no room to remember the signature, so it is not accepted.
 * - `replay_store_failed`: the replay store threw or answered something unknown, so the signature is not accepted.
 */
export type HttpSignatureErrorCode =
  | JwkRule
  | 'bad_structured_field'
  | 'duplicate_member'
  | 'too_large'
  | 'missing_signature'
  | 'unpaired_label'
  | 'ambiguous_signature'
  | 'not_canonical'
  | 'missing_wit'
  | 'wit_mismatch'
  | 'duplicate_header'
  | 'bad_header'
  | 'two_proofs'
  | 'response_not_signed'
  | 'bad_component'
  | 'duplicate_component'
  | 'unsupported_component'
  | 'missing_component'
  | 'bad_component_value'
  | 'not_covered'
  | 'missing_parameter'
  | 'bad_parameter'
  | 'forbidden_parameter'
  | 'alg_mismatch'
  | 'keyid_mismatch'
  | 'bad_signature'
  | 'expires_before_created'
  | 'expired'
  | 'not_yet_valid'
  | 'lifetime_too_long'
  | 'wit_expired'
  | 'wrong_audience'
  | 'req_nonce_mismatch'
  | 'missing_content_digest'
  | 'unsupported_digest'
  | 'weak_digest'
  | 'digest_mismatch'
  | 'body_not_given'
  | 'subject_token_refused'
  | 'not_authorized'
  | 'replayed'
  | 'replay_store_full'
  | 'replay_store_failed';

/** An HTTP message signature or a Content-Digest, or a message that should carry one, that is refused. */
export class HttpSignatureError extends SvidkitError<HttpSignatureErrorCode> {}
