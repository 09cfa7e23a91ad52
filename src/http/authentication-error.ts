import {
  type RefusalStatus,
  RequestAuthenticationError,
  type RequestAuthenticationErrorCode,
  WitError,
  WptError,
} from '../errors/index.js';
import { WPT_DRAFTS, type WptDraft, type WptDraftRules } from '../wpt/index.js';

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

const MISSING: ReadonlySet<RequestAuthenticationErrorCode> = new Set(['missing_wit', 'missing_wpt'] as const);

/** What a verifier threw, as the typed error with the status that the request's draft asks for. */
export function authenticationError(
  cause: unknown,
  rawHeaders: readonly string[],
  drafts: readonly WptDraft[],
): RequestAuthenticationError {
  const form = formOf(rawHeaders);
  const rules = WPT_DRAFTS[answeringDraft(form, drafts)];
  if (!(cause instanceof WitError) && !(cause instanceof WptError)) {
    const message = 'the request cannot be verified now';
    return new RequestAuthenticationError('unavailable', message, { cause, status: 503 });
  }
  const code = form === 'none' && MISSING.has(cause.code) ? 'no_credentials' : cause.code;
  const message = code === 'no_credentials' ? 'the request carries no proof of possession' : cause.message;
  const status = statusOf(code, rules);
  return new RequestAuthenticationError(code, message, {
    cause,
    status,
    challenge: status === 401 ? rules.challenge : undefined,
  });
}

function statusOf(code: RequestAuthenticationErrorCode, rules: WptDraftRules): RefusalStatus {
  if (code === 'not_authorized') return 403;
  if (NO_ANSWER.has(code)) return 503;
  return MALFORMED_REQUEST.has(code) ? 400 : rules.refusalStatus;
}

/** By the fields that are there, whatever is in them; `none` also for a bare WIT. */
function formOf(rawHeaders: readonly string[]): WptDraft | 'none' {
  let form: WptDraft | 'none' = 'none';
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase();
    if (name === 'authorization' && /^[ \t]*wpt(?:[ \t]|$)/i.test(rawHeaders[index + 1] ?? '')) {
      return 'draft-ietf-wimse-wpt-02';
    }
    if (name === 'workload-proof-token') form = 'draft-ietf-wimse-wpt-01';
  }
  return form;
}

/** The draft a refusal is worded by: the sender's if it is accepted here, else one that can say what is. */
function answeringDraft(form: WptDraft | 'none', drafts: readonly WptDraft[]): WptDraft {
  const own = drafts.find((draft) => draft === form);
  const challenging = drafts.find((draft) => WPT_DRAFTS[draft].challenge !== undefined);
  return own ?? challenging ?? 'draft-ietf-wimse-wpt-01';
}
