import { type KeyName, thumbprint } from './keys.js';
import type { Reason } from './reasons.js';
import { isDeterministic } from './signatures.js';
import { CALLERS, type Caller, hash, type JwsParts, jws, NOW, type TrustName, witOf } from './tokens.js';
import type { HeaderList, ProofLimits, WptCase } from './vectors.js';

export const AUDIENCE = 'https://tools.example.org/orders';
export const DRAFTS = ['draft-ietf-wimse-wpt-02', 'draft-ietf-wimse-wpt-01'] as const;
export type Draft = '02' | '01';

/** What a row changes in a good proof of the courier: EdDSA, in the form of -02. */
export interface WptParts {
  readonly draft?: Draft;
  readonly caller?: Caller;
  readonly wit?: string;
  readonly header?: object;
  readonly claims?: object;
  readonly payloadText?: string;
  readonly key?: KeyName;
  readonly alg?: JwsParts['alg'];
  readonly bend?: JwsParts['bend'];
  /** In place of all of that. */
  readonly proof?: string;
  /** Fields besides the two that carry WIT and proof. */
  readonly more?: HeaderList;
  /** In place of all fields; gets WIT and proof. */
  readonly headers?: (wit: string, proof: string) => HeaderList;
  readonly otherTokens?: readonly string[];
  readonly audiences?: readonly string[];
  readonly drafts?: readonly string[];
  readonly authorized?: readonly string[];
  readonly after?: readonly string[];
  readonly trust?: TrustName;
  readonly now?: number;
  readonly limits?: ProofLimits;
  /** What a positive covers. */
  readonly covered?: {
    readonly accessToken?: true;
    readonly txnToken?: true;
    readonly otherTokens?: readonly string[];
  };
  /** Whether the WIT is at fault. */
  readonly part?: 'wit';
}

export type WptRow = readonly [
  name: string,
  clause: string,
  parts: WptParts,
  verdict: Reason | 'accept',
  level?: 'should' | 'stricter',
];

/** Tokens that travel next to a proof; nobody issued them. */
export const ACCESS_TOKEN = 'an-access.token_that~proves+nothing/at-all==';
export const TXN_TOKEN = 'eyJ0eXAiOiJ0eG50b2tlbitqd3QifQ.e30.c2lnbmF0dXJl';
const USER_TOKEN = 'the-token-of-a-user';

export const bearer = ['Authorization', `Bearer ${ACCESS_TOKEN}`] as const;
export const txnToken = ['Txn-Token', TXN_TOKEN] as const;
export const userToken = ['X-End-User', USER_TOKEN] as const;
export const hashes = { ath: hash(ACCESS_TOKEN), tth: hash(TXN_TOKEN), oth: { 'x-end-user': hash(USER_TOKEN) } };

export const WPT = 'draft-ietf-wimse-wpt-02 2';
export const WPT01 = 'draft-ietf-wimse-wpt-01 2';

/** The claims of a good proof for a WIT. */
export function goodClaims(wit: string, name: string): object {
  return { aud: AUDIENCE, exp: NOW + 60, jti: `proof-${hash(name).slice(0, 22)}`, wth: hash(wit) };
}

export function proofOf(name: string, parts: WptParts): string {
  const { caller = CALLERS.courier, header = {}, claims = {}, bend } = parts;
  const { key = caller.key, alg = caller.alg } = parts;
  if (parts.proof !== undefined) return parts.proof;
  return jws({
    header: { alg, typ: 'wpt+jwt', ...header },
    payload: parts.payloadText ?? { ...goodClaims(witFor(parts), name), ...claims },
    key,
    alg,
    bend,
  });
}

export function witFor({ caller = CALLERS.courier, wit }: WptParts): string {
  return wit ?? witOf(caller);
}

/** The fields that carry WIT and proof in the form of a draft. */
export function carried(draft: Draft, wit: string, proof: string): HeaderList {
  const field =
    draft === '02' ? (['Authorization', `WPT ${proof}`] as const) : (['Workload-Proof-Token', proof] as const);
  return [['Host', 'tools.example.org'], ['Workload-Identity-Token', wit], field];
}

export function toWptCase([name, clause, parts, verdict, level]: WptRow): WptCase {
  const {
    draft = '02',
    caller = CALLERS.courier,
    audiences,
    drafts,
    authorized,
    after,
    otherTokens,
    trust,
    now,
  } = parts;
  const [wit, proof] = [witFor(parts), proofOf(name, parts)];
  const headers = parts.headers?.(wit, proof) ?? [...carried(draft, wit, proof), ...(parts.more ?? [])];
  const requirement = level ?? 'must';
  const configured = { trust, now, ...parts.limits, audiences, drafts, authorized, otherTokens, after };
  const common = { name, clause, requirement, ...configured, headers } as const;
  if (verdict !== 'accept') {
    return { ...common, expected: { verdict: 'refuse', part: parts.part ?? 'proof', reason: verdict } };
  }
  const { accessToken = false, txnToken = false, otherTokens: others = [] } = parts.covered ?? {};
  const { jti } = JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
  return {
    ...common,
    expected: {
      verdict,
      identity: caller.id,
      thumbprint: thumbprint(caller.key),
      draft: `draft-ietf-wimse-wpt-${draft}`,
      audience: (audiences ?? [AUDIENCE])[0] ?? '',
      jti,
      covered: { accessToken, txnToken, otherTokens: others },
    },
    signedWith: parts.payloadText === undefined && isDeterministic(parts.alg ?? caller.alg) ? caller.key : undefined,
  };
}
