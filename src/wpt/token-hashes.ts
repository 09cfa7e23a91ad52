import { WptError, type WptErrorCode } from '../errors/index.js';
import type { JsonObject, JsonValue } from '../internal/json.js';
import { quote } from '../internal/quote.js';
import { sameHash, tokenHash } from '../internal/token-hash.js';
import type { BoundToken } from '../replay/delegation.js';
import type { UnprovenWit } from '../wit/index.js';
import { MAX_OTHER_TOKENS } from './header-fields.js';
import type { WptPresentation } from './wpt-request.js';

/** Which tokens of the request the proof binds. A decision may rest on these and on no other. */
export interface CoveredTokens {
  readonly accessToken: boolean;
  readonly txnToken: boolean;
  /** Lower-case header names. */
  readonly otherTokens: readonly string[];
}

const LOWER_CASE_FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** draft-ietf-wimse-wpt-01 section 2: the proof names the very WIT it came with. */
export function checkWitHash(claims: JsonObject, wit: UnprovenWit): void {
  const { wth } = claims;
  if (typeof wth !== 'string') throw new WptError('bad_wth', 'the proof must have wth, the hash of the WIT');
  if (!sameHash(wit.hash, wth)) throw new WptError('wth_mismatch', 'the proof was made for another WIT');
}

/** draft-ietf-wimse-wpt-01 section 2: `ath`, `tth` and `oth` are there exactly when their tokens are. */
export function checkTokenHashes(claims: JsonObject, request: WptPresentation): CoveredTokens {
  return Object.freeze({
    accessToken: checkHash(claims['ath'], request.accessToken, 'ath'),
    txnToken: checkHash(claims['tth'], request.txnToken, 'tth'),
    otherTokens: Object.freeze(checkOtherTokenHashes(claims['oth'], request.otherTokens ?? new Map())),
  });
}

/** The tokens that are covered. The digest of a message stands among the other tokens, and is the token of nobody. */
export function boundTokens(request: WptPresentation, covered: CoveredTokens): readonly BoundToken[] {
  const { accessToken, txnToken, otherTokens } = request;
  const named: ReadonlyArray<readonly [BoundToken['kind'], string, string | undefined]> = [
    ['access_token', 'authorization', accessToken],
    ['txn_token', 'txn-token', txnToken],
    ...covered.otherTokens.map((field) => ['other_token', field, otherTokens?.get(field)] as const),
  ];
  return named.flatMap(([kind, field, token]) =>
    token === undefined || field === 'content-digest' ? [] : [{ kind, field, token }],
  );
}

function checkHash(hash: JsonValue | undefined, token: string | undefined, claim: 'ath' | 'tth'): boolean {
  if (token === undefined && hash === undefined) return false;
  if (token === undefined) refuse(`${claim}_without_token`, `the proof has ${claim}, but its token did not come along`);
  if (hash === undefined) refuse(`missing_${claim}`, `a token came along that the proof does not cover with ${claim}`);
  if (typeof hash !== 'string' || !sameHash(tokenHash(token), hash)) {
    refuse(`${claim}_mismatch`, `${claim} is not the hash of the token that came along`);
  }
  return true;
}

/** An entry that is not understood refuses the proof; a token without an entry is left out of what is covered. */
function checkOtherTokenHashes(oth: JsonValue | undefined, tokens: ReadonlyMap<string, string>): string[] {
  if (oth === undefined) return [];
  if (typeof oth !== 'object' || oth === null || Array.isArray(oth)) refuse('bad_oth', 'oth must be an object');
  const entries = Object.entries(oth);
  if (entries.length > MAX_OTHER_TOKENS) refuse('bad_oth', `oth has more than ${MAX_OTHER_TOKENS} entries`);
  return entries.map(([name, hash]) => {
    if (!LOWER_CASE_FIELD_NAME.test(name))
      refuse('bad_oth', `oth entry ${quote(name)} is not a lower-case header name`);
    if (typeof hash !== 'string') refuse('bad_oth', `oth entry ${quote(name)} is not a hash`);
    const token = tokens.get(name);
    if (token === undefined)
      refuse('oth_without_token', `oth entry ${quote(name)} is for a token that is not known here`);
    if (!sameHash(tokenHash(token), hash))
      refuse('oth_mismatch', `oth entry ${quote(name)} is the hash of another token`);
    return name;
  });
}

function refuse(code: WptErrorCode, message: string): never {
  throw new WptError(code, message);
}
