import { lowerCase } from './audience.js';

export const WIT_FIELD = 'Workload-Identity-Token';

/** RFC 9110 section 5.6.2. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A compact JWS, as "Workload-Proof-Token Header Field ABNF" has it. */
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** RFC 6750 section 2.1. */
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const VISIBLE = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
/** Fields that are no "other tokens": they carry the proof, what it proves, or a token with a hash claim of its own. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'txn-token',
  'workload-identity-token',
  'workload-proof-token',
]);
/** More than any request has tokens. */
export const MAX_OTHER_TOKENS = 16;

export function isJwt(text: string): boolean {
  return JWT.test(text);
}

/** Whether the text is one bearer token, and not a list of two. */
export function isBearerToken(text: string): boolean {
  return B64TOKEN.test(text);
}

/** Whether the text is a field value that has one spelling in ASCII. */
export function isVisible(text: string): boolean {
  return VISIBLE.test(text);
}

/** The field names of other tokens, in lower case. Names that cannot be one are misuse. */
export function otherTokenNames(names: Iterable<string>): ReadonlySet<string> {
  const lower = new Set<string>();
  for (const name of names) {
    if (typeof name !== 'string' || !FIELD_NAME.test(name)) throw new TypeError('otherTokens must name header fields');
    const key = lowerCase(name);
    if (OWN_FIELDS.has(key)) throw new TypeError(`${key} has its own place and cannot be among the other tokens`);
    if (lower.has(key)) throw new TypeError(`${key} is there twice among the other tokens`);
    lower.add(key);
  }
  if (lower.size > MAX_OTHER_TOKENS) throw new TypeError(`a proof covers at most ${MAX_OTHER_TOKENS} other tokens`);
  return lower;
}
