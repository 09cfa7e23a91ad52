import { wptLimitRows } from './limit-cases.js';
import { withS } from './signatures.js';
import { CALLERS, hash, NOW, witOf } from './tokens.js';
import type { WptCase } from './vectors.js';
import { carriageRows } from './wpt-carriage-cases.js';
import { claimRows } from './wpt-claim-cases.js';
import {
  ACCESS_TOKEN,
  AUDIENCE,
  bearer,
  carried,
  goodClaims,
  hashes,
  toWptCase,
  txnToken,
  userToken,
  WPT,
  WPT01,
  type WptRow,
  witFor,
} from './wpt-maker.js';
import { tokenRows } from './wpt-token-cases.js';

const accepted: readonly WptRow[] = [
  ['-02, EdDSA', WPT, {}, 'accept'],
  ['-01, EdDSA', WPT01, { draft: '01' }, 'accept'],
  ['-02, ES256', WPT, { caller: CALLERS.planner }, 'accept'],
  ['-01, ES256', WPT01, { caller: CALLERS.planner, draft: '01' }, 'accept'],
  ['-02, RS256', WPT, { caller: CALLERS.rsa }, 'accept'],
  ['-02, a high s', 'RFC 7518 3.4', { caller: CALLERS.planner, bend: (bytes) => withS('high', bytes) }, 'accept'],
  [
    '-02, the scheme in lower case',
    'RFC 9110 11.1',
    {
      headers: (wit, proof) => [
        ['Workload-Identity-Token', wit],
        ['Authorization', `wpt ${proof}`],
      ],
    },
    'accept',
  ],
  [
    '-02, field names in other case',
    'RFC 9110 5.1',
    {
      headers: (wit, proof) => [
        ['WORKLOAD-identity-token', wit],
        ['authorization', `WPT ${proof}`],
      ],
    },
    'accept',
  ],
  [
    '-02, white space around the WIT',
    'RFC 9110 5.5',
    {
      headers: (wit, proof) => [
        ['Workload-Identity-Token', ` ${wit}\t`],
        ['Authorization', `WPT ${proof}`],
      ],
    },
    'accept',
  ],
  ['-02, typ with application/ in front', 'RFC 7515 4.1.9', { header: { typ: 'application/wpt+jwt' } }, 'accept'],
  ['-02, aud a list of one', 'RFC 7519 4.1.3', { claims: { aud: [AUDIENCE] } }, 'accept'],
  ['-02, aud an agreed value', WPT, { claims: { aud: 'orders' }, audiences: ['orders'] }, 'accept'],
  [
    '-02, aud with the default port and an upper-case host',
    'RFC 9110 4.2.3',
    {
      claims: { aud: 'https://TOOLS.example.org:443/orders' },
    },
    'accept',
    'should',
  ],
  ['-02, expired within the leeway', 'RFC 7519 4.1.4', { now: NOW + 69 }, 'accept'],
  ['-02, exp in whole seconds with a decimal point', 'RFC 7519 2', { payloadText: decimalExp() }, 'accept'],
  [
    '-02, with a Txn-Token',
    WPT,
    {
      claims: { tth: hashes.tth },
      more: [txnToken],
      covered: { txnToken: true },
    },
    'accept',
  ],
  [
    '-01, with a bearer token',
    WPT01,
    {
      draft: '01',
      claims: { ath: hashes.ath },
      more: [bearer],
      covered: { accessToken: true },
    },
    'accept',
  ],
  [
    '-01, with a DPoP token',
    WPT01,
    {
      draft: '01',
      claims: { ath: hashes.ath },
      more: [['Authorization', `DPoP ${ACCESS_TOKEN}`]],
      covered: { accessToken: true },
    },
    'accept',
  ],
  [
    '-02, with another token',
    WPT,
    {
      claims: { oth: hashes.oth },
      more: [userToken],
      otherTokens: ['x-end-user'],
      covered: { otherTokens: ['x-end-user'] },
    },
    'accept',
  ],
  ['-02, another token that is not covered', WPT, { more: [userToken], otherTokens: ['x-end-user'] }, 'accept'],
  [
    '-02, everything',
    WPT,
    {
      claims: { tth: hashes.tth, oth: hashes.oth },
      more: [txnToken, userToken],
      otherTokens: ['x-end-user'],
      covered: { txnToken: true, otherTokens: ['x-end-user'] },
    },
    'accept',
  ],
  ['-02, claims that nobody knows', 'RFC 7519 4', { claims: { htm: 'POST', iat: NOW } }, 'accept'],
  ['-02, who is allowed', WPT, { authorized: [CALLERS.courier.id] }, 'accept'],
  [
    'the jti that another sender has used',
    WPT,
    {
      caller: CALLERS.planner,
      claims: { jti: jtiOf('-02, EdDSA') },
      after: ['-02, EdDSA'],
    },
    'accept',
  ],
];

const decisions: readonly WptRow[] = [
  [
    'sent twice',
    `${WPT}, "Replay Protection"`,
    { ...named('-02, EdDSA'), after: ['-02, EdDSA'] },
    'replayed',
    'should',
  ],
  [
    'sent again in the form of the other draft',
    `${WPT}, "Replay Protection"`,
    {
      ...named('-02, EdDSA'),
      draft: '01',
      after: ['-02, EdDSA'],
    },
    'replayed',
    'should',
  ],
  [
    'sent again with the other s',
    'RFC 7518 3.4',
    {
      caller: CALLERS.planner,
      claims: { jti: jtiOf('-02, a high s') },
      bend: (bytes) => withS('low', bytes),
      after: ['-02, a high s'],
    },
    'replayed',
    'should',
  ],
  [
    'made again with the same jti',
    `${WPT}, "Replay Protection"`,
    {
      claims: { jti: jtiOf('-02, EdDSA'), exp: NOW + 90 },
      after: ['-02, EdDSA'],
    },
    'replayed',
    'should',
  ],
  ['not the one who is allowed', WPT, { authorized: [CALLERS.planner.id] }, 'not-authorized'],
  [
    'a name that begins with an allowed one',
    WPT,
    {
      authorized: [CALLERS.courier.id.slice(0, -1), 'wimse://example.org/agents'],
    },
    'not-authorized',
  ],
  ['the same path in another scheme', WPT, { authorized: ['spiffe://example.org/agents/courier'] }, 'not-authorized'],
  ['the WIT has expired', WPT, { wit: witOf(CALLERS.courier, { exp: NOW - 31 }), part: 'wit' }, 'expired'],
  [
    'the WIT is from a trust domain that nobody holds keys of',
    WPT,
    {
      wit: witOf({ ...CALLERS.courier, id: 'wimse://unknown.test/agents/courier' }),
      part: 'wit',
    },
    'unknown-trust-domain',
  ],
  [
    'a proof in place of the WIT',
    WPT,
    {
      headers: (_, proof) => carried('02', proof, proof),
      part: 'wit',
    },
    'wrong-type',
  ],
];

export function wptCases(): WptCase[] {
  return [...accepted, ...decisions, ...carriageRows(), ...tokenRows(), ...claimRows(), ...wptLimitRows()].map(
    toWptCase,
  );
}

/** The very proof of another case. */
function named(name: string): { readonly claims: object } {
  return { claims: { jti: jtiOf(name) } };
}

function jtiOf(name: string): string {
  return `proof-${hash(name).slice(0, 22)}`;
}

function decimalExp(): string {
  return JSON.stringify(goodClaims(witFor({}), 'exp with a decimal point')).replace(`${NOW + 60}`, '$&.0');
}
