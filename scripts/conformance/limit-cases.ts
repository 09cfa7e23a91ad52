import { asked, HTTP, type HttpParts, type HttpRow, RESPONSE } from './http-maker.js';
import { CALLERS, type Caller, NOW, witOf } from './tokens.js';
import type { ProofLimits } from './vectors.js';
import { CLAIMS, tokenOf, type WitRow } from './wit-maker.js';
import { proofOf, WPT, type WptRow } from './wpt-maker.js';

/** Both sides of every limit that a verifier is set to, where it is set otherwise than by default. */

/** More than a verifier looks at by default, and not more than it is set to. */
const LARGE = { note: 'x'.repeat(6200) };
const LARGER = 16_384;

/** The life of a token or proof about a leeway or a limit: what is added to NOW, and what comes of it. */
type Edge<Limits> = readonly [name: string, seconds: number, limits: Limits, verdict: 'accept' | 'refuse'];

const LIFETIMES: readonly Edge<ProofLimits>[] = [
  ['as long as a shorter limit and the leeway', 40, { maxLifetimeSeconds: 30 }, 'accept'],
  ['longer than a shorter limit and the leeway', 41, { maxLifetimeSeconds: 30 }, 'refuse'],
  ['as long as a longer limit and the leeway', 610, { maxLifetimeSeconds: 600 }, 'accept'],
  ['longer than a longer limit and the leeway', 611, { maxLifetimeSeconds: 600 }, 'refuse'],
  ['as long as the limit and a longer leeway', 360, { proofLeewaySeconds: 60 }, 'accept'],
  ['longer than the limit and a longer leeway', 361, { proofLeewaySeconds: 60 }, 'refuse'],
  ['as long as the limit, no leeway', 300, { proofLeewaySeconds: 0 }, 'accept'],
  ['longer than the limit, no leeway', 301, { proofLeewaySeconds: 0 }, 'refuse'],
];

/** How long after the end of a proof, or before its beginning. */
const ENDS: readonly Edge<number>[] = [
  ['expired within a longer leeway', 59, 60, 'accept'],
  ['expired by a longer leeway', 60, 60, 'refuse'],
  ['in its last second, no leeway', -1, 0, 'accept'],
  ['at its end, no leeway', 0, 0, 'refuse'],
];
const BEGINNINGS: readonly Edge<number>[] = [
  ['to begin within a longer leeway', 60, 60, 'accept'],
  ['to begin after a longer leeway', 61, 60, 'refuse'],
  ['beginning now, no leeway', 0, 0, 'accept'],
  ['to begin in a second, no leeway', 1, 0, 'refuse'],
];

export function witLimitRows(): readonly WitRow[] {
  const { length } = tokenOf({});
  return [
    ...ENDS.map(([name, late, leewaySeconds, verdict]): WitRow => {
      return [name, 'RFC 7519 4.1.4', { now: CLAIMS.exp + late, limits: { leewaySeconds } }, or(verdict, 'expired')];
    }),
    ...BEGINNINGS.map(([name, early, leewaySeconds, verdict]): WitRow => {
      const parts = { claims: { nbf: NOW + early }, limits: { leewaySeconds } };
      return [name, 'RFC 7519 4.1.5', parts, or(verdict, 'not-yet-valid')];
    }),
    ['as many bytes as are looked at', 'RFC 7519 12', { limits: { maxBytes: length } }, 'accept'],
    ['one byte more than is looked at', 'RFC 7519 12', { limits: { maxBytes: length - 1 } }, 'too-large', 'stricter'],
    ['8192 bytes are exceeded, and allowed', 'RFC 7519 12', { claims: LARGE, limits: { maxBytes: LARGER } }, 'accept'],
  ];
}

export function wptLimitRows(): readonly WptRow[] {
  // Longer than the WIT, so that it is the proof that has too many bytes.
  const long = { claims: { note: 'x'.repeat(1000) } };
  const { length } = proofOf('', long);
  return [
    ...ENDS.map(([name, late, proofLeewaySeconds, verdict]): WptRow => {
      return [name, 'RFC 7519 4.1.4', { now: NOW + 60 + late, limits: { proofLeewaySeconds } }, or(verdict, 'expired')];
    }),
    ...BEGINNINGS.map(([name, early, proofLeewaySeconds, verdict]): WptRow => {
      const parts = { claims: { nbf: NOW + early }, limits: { proofLeewaySeconds } };
      return [name, 'RFC 7519 4.1.5', parts, or(verdict, 'not-yet-valid')];
    }),
    ...LIFETIMES.map(([name, seconds, limits, verdict]): WptRow => {
      const parts = { claims: { exp: NOW + seconds }, limits };
      return [`valid ${name}`, WPT, parts, or(verdict, 'lifetime-too-long'), ...choice(verdict)];
    }),
    ['a proof of as many bytes as are looked at', 'RFC 7519 12', { ...long, limits: { maxBytes: length } }, 'accept'],
    [
      'a proof of one byte more than is looked at',
      'RFC 7519 12',
      { ...long, limits: { maxBytes: length - 1 } },
      'too-large',
      'stricter',
    ],
    [
      'a proof of more than 8192 bytes where more are looked at',
      'RFC 7519 12',
      { claims: LARGE, limits: { maxBytes: LARGER } },
      'accept',
    ],
    ...identityRows(CALLERS.courier),
  ];
}

export function httpLimitRows(): readonly HttpRow[] {
  const ofResponse = (signed: SignedParts): HttpParts => ({ parameters: asked, response: signed });
  return [
    ...signatureRows('', HTTP, CALLERS.courier, (signed) => signed),
    ...signatureRows('response: ', RESPONSE, CALLERS.orders, ofResponse),
  ];
}

interface SignedParts {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly wit?: string;
}

/** A request, or a response to one, whose signature `make` is told about. */
function signatureRows(
  prefix: string,
  clause: string,
  signer: Caller,
  make: (signed: SignedParts) => HttpParts,
): readonly HttpRow[] {
  return [
    ...ENDS.map(([name, late, proofLeewaySeconds, verdict]): HttpRow => {
      const parts = { ...make({}), now: NOW + 60 + late, limits: { proofLeewaySeconds } };
      return [`${prefix}${name}`, clause, parts, or(verdict, 'expired')];
    }),
    ...BEGINNINGS.map(([name, early, proofLeewaySeconds, verdict]): HttpRow => {
      const parts = { ...make({}), now: NOW - early, limits: { proofLeewaySeconds } };
      return [`${prefix}${name}`, clause, parts, or(verdict, 'not-yet-valid')];
    }),
    ...LIFETIMES.map(([name, seconds, limits, verdict]): HttpRow => {
      const parts = { ...make({ parameters: { expires: `${NOW + seconds}` } }), limits };
      return [`${prefix}valid ${name}`, clause, parts, or(verdict, 'lifetime-too-long'), ...choice(verdict)];
    }),
    ...identityRows(signer).map(([name, own, { wit, ...parts }, ...rest]): HttpRow => {
      return [`${prefix}${name}`, own, { ...make({ wit }), ...parts }, ...rest];
    }),
  ];
}

type IdentityRow = readonly [
  name: string,
  clause: string,
  parts: { readonly wit: string; readonly limits: ProofLimits; readonly part?: 'wit' },
  verdict: 'accept' | 'expired' | 'too-large',
  level?: 'stricter',
];

/** The limits of the WIT that comes along; `part` is where it is at fault. */
function identityRows(signer: Caller): readonly IdentityRow[] {
  const wit = witOf(signer);
  return [
    ...ENDS.map(([name, late, witLeewaySeconds, verdict]): IdentityRow => {
      const parts = { wit: witOf(signer, { exp: NOW - late }), limits: { witLeewaySeconds }, ...fault(verdict) };
      return [`a WIT ${name}`, 'RFC 7519 4.1.4', parts, or(verdict, 'expired')];
    }),
    ['a WIT of as many bytes as are looked at', 'RFC 7519 12', { wit, limits: { maxBytes: wit.length } }, 'accept'],
    [
      'a WIT of one byte more than is looked at',
      'RFC 7519 12',
      { wit, limits: { maxBytes: wit.length - 1 }, part: 'wit' },
      'too-large',
      'stricter',
    ],
    [
      'a WIT of more than 8192 bytes where more are looked at',
      'RFC 7519 12',
      { wit: witOf(signer, LARGE), limits: { maxBytes: LARGER } },
      'accept',
    ],
  ];
}

function or<Reason>(verdict: 'accept' | 'refuse', reason: Reason): Reason | 'accept' {
  return verdict === 'accept' ? verdict : reason;
}

/** How long a proof may live is the choice of the verifier. */
function choice(verdict: 'accept' | 'refuse'): [] | ['stricter'] {
  return verdict === 'refuse' ? ['stricter'] : [];
}

function fault(verdict: 'accept' | 'refuse'): { readonly part?: 'wit' } {
  return verdict === 'refuse' ? { part: 'wit' } : {};
}
