export type { Clock } from '../internal/clock.js';
export type { JsonObject, JsonValue } from '../internal/json.js';
export type { JwsAlgorithm } from '../internal/jws-algorithm.js';
export type { Signer, SigningKey } from '../internal/signing-key.js';
export type {
  DelegatedSubject,
  DelegationContext,
  SubjectTokenContext,
  SubjectTokenKind,
  SubjectTokenVerifier,
} from '../replay/delegation.js';
export type { HttpSignatureAlgorithm } from './algorithms.js';
export type { Component, ComponentLike, NamedComponent } from './component.js';
export {
  createContentDigest,
  type DigestAlgorithm,
  type MessageBody,
  type VerifyContentDigestOptions,
  verifyContentDigest,
} from './content-digest.js';
export type { CoveredParts } from './coverage.js';
export type { OutgoingBody } from './digest-fields.js';
export { HTTP_SIGNATURE_DRAFTS, type HttpSignatureDraft, type HttpSignatureDraftRules } from './drafts.js';
export type { HeaderFields, HttpMessage, HttpRequestMessage, HttpResponseMessage } from './message.js';
export { type MessageSignature, readSignatures } from './message-signature.js';
export { type ReadSignedRequestOptions, readSignedRequest } from './read-signed-request.js';
export { type SignMessageOptions, signMessage } from './sign-message.js';
export { type OutgoingRequest, SignedRequest, type SignRequestOptions, signRequest } from './sign-request.js';
export { type OutgoingResponse, type SignResponseOptions, signResponse } from './sign-response.js';
export { createSignatureBase, type SignatureBase, type SignatureParameters } from './signature-base.js';
export type { BareItem, ItemParameters } from './structured-fields.js';
export { type VerifiedBody, VerifiedContent, VerifyingContent } from './verified-body.js';
export { type VerificationKey, type VerifyMessageOptions, verifyMessage } from './verify-message.js';
export {
  type HttpSignatureProof,
  type IncomingRequest,
  type ProvenRequest,
  readRequestWit,
  type VerifyRequestOptions,
  type VerifySignatureOptions,
  verifyRequest,
} from './verify-request.js';
export {
  type HttpSignatureResponseProof,
  type IncomingResponse,
  type ProvenResponse,
  type ReadResponseWitOptions,
  readResponseWit,
  type VerifyResponseOptions,
  verifyResponse,
} from './verify-response.js';
