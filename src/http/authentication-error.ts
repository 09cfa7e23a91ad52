import {
  HttpSignatureError,
  type RefusalStatus,
  RequestAuthenticationError,
  type RequestAuthenticationErrorCode,
  WitError,
  WptError,
} from '../errors/index.js';
import { HTTP_SIGNATURE_DRAFTS, type HttpSignatureDraft } from '../http-signature/index.js';
import { WPT_DRAFTS, type WptDraft } from '../wpt/index.js';
import { hasProofToken, mechanismFor, type PresentedProofs, type ProofMechanism } from './proof-mechanism.js';

/** Rules about how the request is put together, not about the credential in it: 400 in every draft. */
const MALFORMED_REQUEST: ReadonlySet<RequestAuthenticationErrorCode> = new Set([
  'duplicate_header',
  'bad_header',
  'two_proofs',
  'unsupported_authorization',
] as const);

const NO_ANSWER: ReadonlySet<RequestAuthenticationErrorCode> = new Set([
  'replay_store_full',
  'replay_store_failed',
  'unavailable',
] as const);

/** A 401 has a challenge (RFC 9110 section 15.5.2); it is the token next to the proof that has to be a better one. */
const TOKEN_CHALLENGE = 'Bearer';

const MISSING: ReadonlySet<RequestAuthenticationErrorCode> = new Set([
  'missing_wit',
  'missing_wpt',
  'missing_signature',
] as const);

/** What a verifier accepts, which a refusal is worded by. */
export interface AcceptedProofs {
  readonly mechanisms: readonly ProofMechanism[];
  readonly drafts: readonly WptDraft[];
  readonly signatureDrafts: readonly HttpSignatureDraft[];
}

/** What a verifier threw, as the typed error with the status that the request's draft asks for. */
export function authenticationError(
  cause: unknown,
  presented: PresentedProofs,
  accepted: AcceptedProofs,
): RequestAuthenticationError {
  if (cause instanceof RequestAuthenticationError) return cause;
  if (!(cause instanceof WitError) && !(cause instanceof WptError) && !(cause instanceof HttpSignatureError)) {
    const message = 'the request cannot be verified now';
    return new RequestAuthenticationError('unavailable', message, { cause, status: 503 });
  }
  const code = codeOf(cause.code, presented, accepted);
  const { refusalStatus, challenge } = answeringRules(presented, accepted);
  const status = statusOf(code, refusalStatus);
  return new RequestAuthenticationError(code, MESSAGES.get(code) ?? cause.message, {
    cause,
    status,
    challenge: status === 401 ? (challenge ?? TOKEN_CHALLENGE) : undefined,
  });
}

const MESSAGES: ReadonlyMap<RequestAuthenticationErrorCode, string> = new Map([
  ['no_credentials', 'the request carries no proof of possession'],
  ['mechanism_not_accepted', 'the request carries a proof of a kind that is not accepted here'],
]);

/** What is missing, seen from the whole request. */
function codeOf(
  code: RequestAuthenticationErrorCode,
  presented: PresentedProofs,
  { mechanisms }: AcceptedProofs,
): RequestAuthenticationErrorCode {
  if (!MISSING.has(code)) return code;
  const proofs = { wpt: hasProofToken(presented), 'http-signature': presented.httpSignature };
  if (!proofs.wpt && !proofs['http-signature']) return 'no_credentials';
  return proofs[mechanismFor(presented, mechanisms)] ? code : 'mechanism_not_accepted';
}

function statusOf(code: RequestAuthenticationErrorCode, refusalStatus: RefusalStatus): RefusalStatus {
  if (code === 'not_authorized') return 403;
  if (code === 'subject_token_refused') return 401;
  if (NO_ANSWER.has(code)) return 503;
  return MALFORMED_REQUEST.has(code) ? 400 : refusalStatus;
}

interface AnsweringRules {
  readonly refusalStatus: RefusalStatus;
  readonly challenge?: string | undefined;
}

/** The draft a refusal is worded by: the sender's if it is accepted here, else one that can say what is. */
function answeringRules(presented: PresentedProofs, accepted: AcceptedProofs): AnsweringRules {
  if (mechanismFor(presented, accepted.mechanisms) === 'http-signature') {
    return HTTP_SIGNATURE_DRAFTS[accepted.signatureDrafts[0] ?? 'draft-ietf-wimse-http-signature-07'];
  }
  const { drafts } = accepted;
  const sent = presented.authorization ? 'draft-ietf-wimse-wpt-02' : 'draft-ietf-wimse-wpt-01';
  const own = hasProofToken(presented) ? drafts.find((draft) => draft === sent) : undefined;
  const challenging = drafts.find((draft) => WPT_DRAFTS[draft].challenge !== undefined);
  return WPT_DRAFTS[own ?? challenging ?? 'draft-ietf-wimse-wpt-01'];
}
