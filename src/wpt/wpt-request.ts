import { WptError } from '../errors/index.js';
import { type Fields, readFields, trimOws } from '../internal/fields.js';
import { lowerCase } from './audience.js';
import { rulesOf, WPT_DRAFTS, type WptDraft } from './drafts.js';
import { isBearerToken, isJwt, isVisible, otherTokenNames } from './header-fields.js';

export interface ReadWptRequestOptions {
  /** The drafts whose form of a request is accepted. A request in the form of another one is refused. */
  readonly drafts: readonly WptDraft[];
  /**
   * Names of further header fields that carry tokens this service looks at, such as `X-End-User`. Default none. A proof
   * with an `oth` entry for a field that is not listed is refused.
   */
  readonly otherTokens?: readonly string[] | undefined;
}

/** A proof with the tokens it has to cover, whatever brought them. {@link WptRequest} is one; so is an object literal. */
export interface WptPresentation {
  readonly draft: WptDraft;
  /** The Workload Proof Token. */
  readonly wpt: string;
  /** The access token that came with it. Only in a draft that has `ath`. */
  readonly accessToken?: string | undefined;
  /** The Txn-Token that came with it. */
  readonly txnToken?: string | undefined;
  /** Other tokens that came with it: header name in lower case to value. */
  readonly otherTokens?: ReadonlyMap<string, string> | undefined;
}

interface WptRequestParts extends WptPresentation {
  readonly wit: string;
  readonly otherTokens: ReadonlyMap<string, string>;
}

/**
 * The tokens of one request, none of them verified. Made by {@link readWptRequest}. They do not show in logs, JSON or
 * clones.
 */
export class WptRequest implements WptPresentation {
  /** The draft in whose form the proof came. */
  readonly draft: WptDraft;
  readonly #parts: WptRequestParts;

  /** @internal */
  constructor(parts: WptRequestParts) {
    this.draft = parts.draft;
    this.#parts = parts;
    Object.freeze(this);
  }

  /** The Workload Identity Token. */
  get wit(): string {
    return this.#parts.wit;
  }

  get wpt(): string {
    return this.#parts.wpt;
  }

  get accessToken(): string | undefined {
    return this.#parts.accessToken;
  }

  get txnToken(): string | undefined {
    return this.#parts.txnToken;
  }

  get otherTokens(): ReadonlyMap<string, string> {
    return new Map(this.#parts.otherTokens);
  }
}

/** draft-ietf-wimse-http-signature: the other way to prove a WIT, which must not stand next to this one. */
const HTTP_SIGNATURE_TAG = 'wimse-workload-to-workload';

/**
 * Picks the tokens out of a request: exactly one WIT and exactly one proof, in the form of exactly one accepted draft
 * (draft-ietf-wimse-wpt-01 section 2, the first two points of validation).
 *
 * @param rawHeaders - names and values in turn, as `IncomingMessage.rawHeaders` has them: Node's `headers` hides
 * repeated fields.
 * @throws `WptError` `missing_wit`, `missing_wpt`, `duplicate_header`, `bad_header`, `two_proofs`,
 * `draft_not_accepted` or `unsupported_authorization`.
 */
export function readWptRequest(rawHeaders: readonly string[], options: ReadWptRequestOptions): WptRequest {
  const accepted = acceptedDrafts(options?.drafts);
  const others = otherTokenNames(options.otherTokens ?? []);

  const fields = readFields(rawHeaders);
  const wit = readIdentityToken(fields);
  const { draft, wpt } = readProof(fields, accepted);
  checkNoHttpSignature(fields);
  const accessToken = rulesOf(draft).accessToken ? readAccessToken(fields, wit) : undefined;
  const txnToken = readTxnToken(fields);
  const otherTokens = readOtherTokens(fields, others);

  return new WptRequest({ draft, wit, wpt, accessToken, txnToken, otherTokens });
}

function acceptedDrafts(drafts: readonly WptDraft[]): ReadonlySet<WptDraft> {
  if (!Array.isArray(drafts) || drafts.length === 0) throw new TypeError('drafts must list at least one draft');
  for (const draft of drafts) rulesOf(draft);
  return new Set(drafts);
}

function single(fields: Fields, name: string): string | undefined {
  const values = fields.get(name) ?? [];
  if (values.length > 1) throw new WptError('duplicate_header', `the header field ${name} is there more than once`);
  return values[0];
}

function readIdentityToken(fields: Fields): string {
  const wit = single(fields, 'workload-identity-token');
  if (wit === undefined) throw new WptError('missing_wit', 'the request has no Workload-Identity-Token');
  if (!isJwt(wit)) throw new WptError('bad_header', 'Workload-Identity-Token does not hold one JWT');
  return wit;
}

function readProof(fields: Fields, accepted: ReadonlySet<WptDraft>): { draft: WptDraft; wpt: string } {
  const found = Object.keys(WPT_DRAFTS).flatMap((name) => {
    const draft = name as WptDraft;
    const wpt = proofIn(fields, draft);
    return wpt === undefined ? [] : [{ draft, wpt }];
  });
  const [proof, ...more] = found;
  if (proof === undefined) throw new WptError('missing_wpt', 'the request has no Workload Proof Token');
  if (more.length > 0) throw new WptError('two_proofs', 'the request carries proofs in the forms of two drafts');
  if (!accepted.has(proof.draft)) {
    throw new WptError('draft_not_accepted', `a proof in the form of ${proof.draft} is not accepted here`);
  }
  if (!isJwt(proof.wpt)) throw new WptError('bad_header', `${rulesOf(proof.draft).field} does not hold one JWT`);
  return proof;
}

function proofIn(fields: Fields, draft: WptDraft): string | undefined {
  const { field, scheme } = rulesOf(draft);
  const value = single(fields, lowerCase(field));
  if (value === undefined || scheme === undefined) return value;
  const credentials = readCredentials(value);
  return credentials.scheme === lowerCase(scheme) ? credentials.token : undefined;
}

function checkNoHttpSignature(fields: Fields): void {
  if (fields.get('signature-input')?.some((value) => value.includes(HTTP_SIGNATURE_TAG))) {
    throw new WptError('two_proofs', 'the request carries a Workload Proof Token and a WIMSE HTTP signature');
  }
}

/** A scheme that `ath` does not cover would leave a token next to the proof that nothing binds to it. */
function readAccessToken(fields: Fields, wit: string): string | undefined {
  const value = single(fields, 'authorization');
  if (value === undefined) return undefined;
  const { scheme, token } = readCredentials(value);
  if (scheme !== 'bearer' && scheme !== 'dpop') {
    throw new WptError('unsupported_authorization', 'Authorization holds neither a Bearer nor a DPoP access token');
  }
  if (!isBearerToken(token)) throw new WptError('bad_header', 'Authorization does not hold one access token');
  if (token === wit) throw new WptError('bad_header', 'a Workload Identity Token must not stand in Authorization');
  return token;
}

/** RFC 9110 section 11.4; the scheme in lower case. */
function readCredentials(value: string): { scheme: string; token: string } {
  const space = value.indexOf(' ');
  if (space < 0) return { scheme: lowerCase(value), token: '' };
  return { scheme: lowerCase(value.slice(0, space)), token: trimOws(value.slice(space + 1)) };
}

function readTxnToken(fields: Fields): string | undefined {
  const value = single(fields, 'txn-token');
  if (value !== undefined && !isBearerToken(value))
    throw new WptError('bad_header', 'Txn-Token does not hold one token');
  return value;
}

function readOtherTokens(fields: Fields, names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>();
  for (const name of names) {
    const value = single(fields, name);
    if (value === undefined) continue;
    if (!isVisible(value)) throw new WptError('bad_header', `the header field ${name} does not hold a token`);
    tokens.set(name, value);
  }
  return tokens;
}
