import type { WorkloadId } from '../id/index.js';
import { abortable } from '../internal/abort.js';
import type { JsonObject, JsonValue } from '../internal/json.js';
import { readNumericDate } from '../internal/numeric-date.js';
import { tokenHash } from '../internal/token-hash.js';
import type { ProofRoom } from './proof-steps.js';

/** Where a token of a request stands: in `Authorization`, in `Txn-Token`, or in a field that the service has named. */
export type SubjectTokenKind = 'access_token' | 'txn_token' | 'other_token';

/** What is known about a token when its claims are asked for. */
export interface SubjectTokenContext {
  readonly kind: SubjectTokenKind;
  /** The header field that it came in, in lower case. */
  readonly field: string;
  /** The workload whose proof binds the token, admitted by the authorizer. */
  readonly actor: WorkloadId;
  readonly signal: AbortSignal | undefined;
}

/**
 * Verifies a token that a proof binds, by whatever rules its issuer has, and gives its claims. A throw, and an answer
 * that is no object, refuse the request.
 */
export type SubjectTokenVerifier = (token: string, context: SubjectTokenContext) => object | Promise<object>;

/** A token of somebody else that the workload's proof binds to the request. */
export interface DelegatedSubject {
  readonly kind: SubjectTokenKind;
  /** The header field that it came in, in lower case. */
  readonly field: string;
  /** The base64url SHA-256 of the token. */
  readonly thumbprint: string;
  /** What the service's verifier gave, as plain JSON; not there when nobody verified the token. */
  readonly claims?: JsonObject | undefined;
}

/**
 * Who acts, for whom, and on what evidence: for an audit log. A frozen plain object that becomes JSON as it is, without
 * any token.
 */
export interface DelegationContext {
  /** `direct` when the workload speaks for itself, `delegated` when its proof binds a token of a subject. */
  readonly mode: 'direct' | 'delegated';
  /** The identifier of the workload that has proven itself. */
  readonly actor: string;
  /** Whose tokens it brought along; none when `direct`. */
  readonly subjects: readonly DelegatedSubject[];
  /** When the proof was made, where it says so, and when it ends. */
  readonly proof: {
    readonly kind: 'wpt' | 'http-signature';
    readonly draft: string;
    readonly issuedAt?: Date | undefined;
    readonly expiresAt: Date;
  };
  /** The Workload Identity Token, by its base64url SHA-256, and the RFC 7638 thumbprint of the key in it. */
  readonly wit: {
    readonly thumbprint: string;
    readonly keyThumbprint: string;
    readonly issuedAt?: Date | undefined;
    readonly expiresAt: Date;
  };
  /** When the request was verified, by the verifier's clock. */
  readonly receivedAt: Date;
}

/** A token that the proof covers. */
export interface BoundToken {
  readonly kind: SubjectTokenKind;
  readonly field: string;
  readonly token: string;
}

interface DelegationFacts {
  readonly id: WorkloadId;
  /** The claims of the WIT. */
  readonly claims: JsonObject;
  readonly wit: { readonly hash: string; readonly thumbprint: string; readonly expiresAt: Date };
  readonly tokens: readonly BoundToken[];
  readonly proof: DelegationContext['proof'];
  readonly now: number;
}

interface SubjectOptions {
  readonly verifySubjectToken?: SubjectTokenVerifier | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Asks the service about each token that the proof covers, and says what was proven. */
export async function delegationOf(
  room: ProofRoom,
  { id, claims, wit, tokens, proof, now }: DelegationFacts,
  options: SubjectOptions,
): Promise<DelegationContext> {
  const subjects: DelegatedSubject[] = [];
  for (const bound of tokens) subjects.push(await subjectOf(room, bound, id, options));
  return Object.freeze({
    mode: tokens.length === 0 ? 'direct' : 'delegated',
    actor: id.toString(),
    subjects: Object.freeze(subjects),
    proof: Object.freeze(proof),
    wit: Object.freeze({
      thumbprint: wit.hash,
      keyThumbprint: wit.thumbprint,
      issuedAt: dateOf(claims['iat']),
      expiresAt: wit.expiresAt,
    }),
    receivedAt: new Date(now),
  });
}

/** A claim that nothing depends on: an unusual one is left out. */
export function dateOf(claim: JsonValue | undefined): Date | undefined {
  const seconds = readNumericDate(claim);
  return seconds === undefined ? undefined : new Date(seconds * 1000);
}

export function checkSubjectVerifier({ verifySubjectToken: verify }: SubjectOptions): void {
  if (verify !== undefined && typeof verify !== 'function') {
    throw new TypeError('verifySubjectToken must be a function');
  }
}

async function subjectOf(
  { Refusal, noun }: ProofRoom,
  { kind, field, token }: BoundToken,
  actor: WorkloadId,
  { verifySubjectToken: verify, signal }: SubjectOptions,
): Promise<DelegatedSubject> {
  const subject = { kind, field, thumbprint: tokenHash(token) };
  if (verify === undefined) return Object.freeze(subject);
  const ask = async (): Promise<object> => verify(token, { kind, field, actor, signal });
  signal?.throwIfAborted();
  try {
    const claims = plainClaims(await abortable(ask(), signal));
    return Object.freeze({ ...subject, claims });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Refusal('subject_token_refused', `the service refused the ${field} that the ${noun} covers`, { cause });
  }
}

/** A copy, so that what was verified stays what it was, and nothing is in it that is no JSON. */
function plainClaims(claims: object): JsonObject {
  const plain: JsonValue | undefined = typeof claims === 'object' ? JSON.parse(JSON.stringify(claims)) : undefined;
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    throw new TypeError('verifySubjectToken() must give the claims of the token, as an object');
  }
  return frozen(plain as JsonObject);
}

function frozen<T extends JsonValue>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
