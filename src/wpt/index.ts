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
export { normalizeAudience } from './audience.js';
export { WPT_DRAFTS, type WptDraft, type WptDraftRules } from './drafts.js';
export { type MintWptOptions, mintWpt } from './mint-wpt.js';
export { proveRequest } from './prove-request.js';
export type { CoveredTokens } from './token-hashes.js';
export { type ProvenWorkload, type VerifyWptOptions, verifyWpt, type WptProof } from './verify-wpt.js';
export { type ReadWptRequestOptions, readWptRequest, type WptPresentation, type WptRequest } from './wpt-request.js';
