import { HttpSignatureError } from '../errors/index.js';
import { lowerCase } from '../internal/audience.js';
import type { Fields } from '../internal/fields.js';
import { quote } from '../internal/quote.js';
import { sameHash, tokenHash } from '../internal/token-hash.js';
import type { BoundToken } from '../replay/delegation.js';
import type { UnprovenWit } from '../wit/index.js';
import type { Component } from './component.js';
import { HTTP_SIGNATURE_DRAFTS, type HttpSignatureDraft, rulesOf } from './drafts.js';
import { type ReadRequest, type ReadResponse, single } from './message.js';

export const WIT_FIELD = 'Workload-Identity-Token';
const WIT_NAME = 'workload-identity-token';

/** Fields of a request that are signed whenever they are there ("The Protocol"). */
const REQUEST_FIELDS = ['content-type', 'content-digest', 'authorization', 'txn-token'] as const;
const RESPONSE_FIELDS = ['content-type', 'content-digest'] as const;
/** The same, and what is always signed: what the profile reads is covered whole, in the plain reading. */
const PROFILE_NAMES: ReadonlySet<string> = new Set([...REQUEST_FIELDS, WIT_NAME, '@method', '@status']);

/** A compact JWS. */
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** RFC 6750 section 2.1. */
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
/** RFC 6750 section 2.1 and RFC 9449 section 7.1. */
const ACCESS_TOKEN = /^(?:bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i;
/** Fields that are no "other tokens": they have a place of their own in the profile. */
const OWN_FIELDS: ReadonlySet<string> = new Set([...REQUEST_FIELDS, WIT_NAME, 'signature', 'signature-input']);

/** What of a request its signature binds to the workload. A decision may rest on this and on nothing else. */
export interface CoveredParts {
  /** Whether there is an `Authorization` field; it is then covered. */
  readonly authorization: boolean;
  /** Whether there is a Txn-Token; it is then covered. */
  readonly txnToken: boolean;
  /** The names of all fields that are covered whole, in lower case. */
  readonly fields: readonly string[];
}

/**
 * The WIT of a message that is to be verified with `verifyWit`: exactly one, judged on the fields as they came.
 */
export function identityTokenOf(fields: Fields): string {
  const wit = single(fields, WIT_NAME);
  if (wit === undefined) throw new HttpSignatureError('missing_wit', 'the message has no Workload-Identity-Token');
  if (!JWT.test(wit)) throw new HttpSignatureError('bad_header', 'Workload-Identity-Token does not hold one JWT');
  return wit;
}

/** The WIT is verified before the signature ("The Protocol"): it must have been this one. */
export function checkSameWit(fields: Fields, wit: UnprovenWit): void {
  if (!sameHash(wit.hash, tokenHash(identityTokenOf(fields)))) {
    throw new HttpSignatureError('wit_mismatch', 'the verified WIT is not the one in the message');
  }
}

/** Each of the profile's fields once; a token field with one token; no WIT as a bearer token. */
export function checkRequestFields(fields: Fields): void {
  for (const name of REQUEST_FIELDS) single(fields, name);
  const txnToken = single(fields, 'txn-token');
  if (txnToken !== undefined && !B64TOKEN.test(txnToken)) {
    throw new HttpSignatureError('bad_header', 'Txn-Token does not hold one token');
  }
  const authorization = single(fields, 'authorization') ?? '';
  if (authorization.includes(identityTokenOf(fields))) {
    throw new HttpSignatureError('bad_header', 'a Workload Identity Token must not stand in Authorization');
  }
  if (fields.has('workload-proof-token') || /^wpt(?:[ \t]|$)/i.test(authorization)) {
    throw new HttpSignatureError('two_proofs', 'the request carries a WIMSE HTTP signature and a Workload Proof Token');
  }
}

export function checkResponseFields(fields: Fields): void {
  for (const name of RESPONSE_FIELDS) single(fields, name);
}

/** What a request must have signed under a draft: always, and because it is there. */
export function requestComponents({ fields }: ReadRequest, draft: HttpSignatureDraft): readonly string[] {
  const present = REQUEST_FIELDS.filter((name) => fields.has(name));
  return ['@method', ...rulesOf(draft).targetComponents, ...present, WIT_NAME];
}

/** The same of a response; the components of its request by their names. */
export function responseComponents(
  { fields }: ReadResponse,
  draft: HttpSignatureDraft,
): { readonly own: readonly string[]; readonly ofRequest: readonly string[] } {
  const present = RESPONSE_FIELDS.filter((name) => fields.has(name));
  return { own: ['@status', WIT_NAME, ...present], ofRequest: ['@method', ...rulesOf(draft).targetComponents] };
}

/** The names of the fields in which the service looks for further tokens, in lower case. */
export function otherTokenFields(names: readonly string[] = []): readonly string[] {
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new TypeError('otherTokens must name header fields');
  }
  return names.map(lowerCase).filter((name) => !OWN_FIELDS.has(name));
}

/** The first of the accepted drafts whose coverage the signature has. */
export function coveredDraft(
  components: readonly Component[],
  request: ReadRequest,
  drafts: readonly HttpSignatureDraft[],
): HttpSignatureDraft {
  checkPlain(components);
  const covered = identifiersOf(components);
  const missing = drafts.map((draft) => requestComponents(request, draft).find((name) => !covered.has(`"${name}"`)));
  const index = missing.indexOf(undefined);
  const draft = drafts[index];
  if (draft === undefined) throw new HttpSignatureError('not_covered', `the signature does not cover ${missing[0]}`);
  return draft;
}

export function checkResponseCoverage(
  components: readonly Component[],
  response: ReadResponse,
  draft: HttpSignatureDraft,
): void {
  checkPlain(components);
  const covered = identifiersOf(components);
  const { own, ofRequest } = responseComponents(response, draft);
  const missing = [...own.map((name) => `"${name}"`), ...ofRequest.map((name) => `"${name}";req`)].find(
    (identifier) => !covered.has(identifier),
  );
  if (missing !== undefined) throw new HttpSignatureError('not_covered', `the signature does not cover ${missing}`);
}

export function coveredParts(components: readonly Component[]): CoveredParts {
  const fields = components.filter(({ name, parameters }) => !name.startsWith('@') && parameters.size === 0);
  const names = fields.map(({ name }) => name);
  return Object.freeze({
    authorization: names.includes('authorization'),
    txnToken: names.includes('txn-token'),
    fields: Object.freeze(names),
  });
}

/** The tokens among what is covered: those of the profile, and those in the fields that the service names. */
export function boundTokens(
  fields: Fields,
  covered: CoveredParts,
  otherFields: readonly string[],
): readonly BoundToken[] {
  const coveredValue = (field: string): string | undefined => {
    const value = single(fields, field);
    return covered.fields.includes(field) ? value : undefined;
  };
  const [authorization, txnToken] = [coveredValue('authorization'), coveredValue('txn-token')];
  const accessToken = ACCESS_TOKEN.exec(authorization ?? '')?.[1];
  const credentials: readonly BoundToken[] =
    accessToken !== undefined
      ? [{ kind: 'access_token', field: 'authorization', token: accessToken }]
      : otherToken('authorization', authorization);
  return [
    ...credentials,
    ...(txnToken === undefined ? [] : [{ kind: 'txn_token' as const, field: 'txn-token', token: txnToken }]),
    ...otherFields.flatMap((field) => otherToken(field, coveredValue(field))),
  ];
}

function otherToken(field: string, token: string | undefined): readonly BoundToken[] {
  return token === undefined ? [] : [{ kind: 'other_token', field, token }];
}

/** A second reading of what the profile reads could say something else than the plain one. */
function checkPlain(components: readonly Component[]): void {
  for (const { name, parameters, identifier } of components) {
    if (!PROFILE_NAMES.has(name) && !TARGET_NAMES.has(name)) continue;
    if (Array.from(parameters.keys()).some((key) => key !== 'req')) {
      throw new HttpSignatureError('bad_component', `the profile does not know ${quote(identifier)}`);
    }
  }
}

const TARGET_NAMES: ReadonlySet<string> = new Set(
  Object.values(HTTP_SIGNATURE_DRAFTS).flatMap(({ targetComponents }) => targetComponents),
);

function identifiersOf(components: readonly Component[]): ReadonlySet<string> {
  return new Set(components.map(({ identifier }) => identifier));
}
