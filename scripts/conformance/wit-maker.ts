import { type KeyName, thumbprint } from './keys.js';
import type { Reason } from './reasons.js';
import { isDeterministic } from './signatures.js';
import { CALLERS, confirmation, hash, type JwsParts, jws, NOW, type TrustName } from './tokens.js';
import type { Given, WitCase, WitSettings } from './vectors.js';

/** What a row changes in a good WIT-SVID: ES256, bound to a P-256 key. */
export interface WitParts {
  readonly header?: object;
  readonly claims?: object;
  readonly key?: KeyName;
  readonly alg?: JwsParts['alg'];
  /** In place of header and claims. */
  readonly headerText?: string;
  readonly payloadText?: string | Uint8Array;
  readonly bend?: JwsParts['bend'];
  readonly spell?: JwsParts['spell'];
  /** In place of all of that. */
  readonly token?: string;
  readonly profile?: WitCase['profile'];
  readonly trust?: TrustName;
  readonly now?: number;
  readonly limits?: Given<Omit<WitSettings, 'now'>>;
  /** The key in `cnf`, for what is accepted. */
  readonly bound?: KeyName;
}

/** `accept`, or why not. */
export type WitRow = readonly [
  name: string,
  clause: string,
  parts: WitParts,
  verdict: Reason | 'accept',
  level?: 'should' | 'stricter',
];

const HEADER = { alg: 'ES256', kid: 'k1', typ: 'wit+jwt' };
export const CLAIMS = {
  sub: CALLERS.planner.id,
  iat: NOW,
  exp: NOW + 3600,
  jti: 'wit-1',
  cnf: confirmation('planner-p256', 'ES256'),
};
/** The parts of a good WIT of the wider profile, signed and bound with Ed25519. */
export const WIMSE: WitParts = {
  profile: 'wimse',
  header: { alg: 'EdDSA' },
  claims: { sub: CALLERS.courier.id, cnf: confirmation('courier-ed25519', 'EdDSA') },
  key: 'example-ed25519',
  alg: 'EdDSA',
  bound: 'courier-ed25519',
};

export function toWitCase([name, clause, parts, verdict, level]: WitRow): WitCase {
  const { profile = 'spiffe', trust, now, bound = 'planner-p256', key = 'example-p256', alg = 'ES256' } = parts;
  const token = tokenOf(parts);
  const common = { name, clause, requirement: level ?? 'must', profile, trust, now, ...parts.limits, token } as const;
  if (verdict !== 'accept') return { ...common, expected: { verdict: 'refuse', part: 'wit', reason: verdict } };
  const signed = { ...CLAIMS, ...parts.claims } as { readonly sub: string; readonly cnf: { readonly jwk: object } };
  return {
    ...common,
    expected: {
      verdict,
      subject: signed.sub,
      alg: (signed.cnf.jwk as { readonly alg: string }).alg,
      thumbprint: thumbprint(bound),
      wth: hash(token),
    },
    signedWith: isDeterministic(alg) ? key : undefined,
  };
}

export function tokenOf(parts: WitParts): string {
  const { key = 'example-p256', alg = 'ES256', bend, spell } = parts;
  if (parts.token !== undefined) return parts.token;
  const header = parts.headerText ?? { ...HEADER, ...parts.header };
  const payload = parts.payloadText ?? { ...CLAIMS, ...parts.claims };
  return jws({ header, payload, key, alg, bend, spell });
}
