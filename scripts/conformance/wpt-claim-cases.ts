import { createHash } from 'node:crypto';
import { CALLERS, hash, NOW, witOf } from './tokens.js';
import {
  AUDIENCE,
  bearer,
  goodClaims,
  hashes,
  txnToken,
  userToken,
  WPT,
  WPT01,
  type WptParts,
  type WptRow,
  witFor,
} from './wpt-maker.js';

const claims = (more: object): WptParts => ({ claims: more });
const AUDIENCE_CLAUSE = `${WPT}, "Audience validation"`;

/** The claims of the proof. */
export function claimRows(): readonly WptRow[] {
  return [...timeRows(), ...audienceRows(), ...hashRows(), ...otherTokenRows()];
}

function timeRows(): readonly WptRow[] {
  return [
    ['no exp', WPT, claims({ exp: undefined }), 'bad-time'],
    ['exp a string', WPT, claims({ exp: `${NOW + 60}` }), 'bad-time'],
    ['exp with a fraction', WPT, claims({ exp: NOW + 60.5 }), 'bad-time', 'stricter'],
    ['exp 1e999', 'RFC 8259 6', { payloadText: goodText().replace(`${NOW + 60}`, '1e999') }, 'bad-number', 'stricter'],
    ['expired by the leeway', WPT, { now: NOW + 70 }, 'expired'],
    ['valid for an hour', WPT, claims({ exp: NOW + 3600 }), 'lifetime-too-long', 'stricter'],
    ['nbf in the future', 'RFC 7519 4.1.5', claims({ nbf: NOW + 11 }), 'not-yet-valid'],
    ['no jti', WPT, claims({ jti: undefined }), 'bad-jti'],
    ['jti empty', WPT, claims({ jti: '' }), 'bad-jti'],
    ['jti a number', WPT, claims({ jti: 1 }), 'bad-jti'],
    ['jti of 300 characters', WPT, claims({ jti: 'j'.repeat(300) }), 'bad-jti', 'stricter'],
  ];
}

function audienceRows(): readonly WptRow[] {
  return [
    ['no aud', AUDIENCE_CLAUSE, claims({ aud: undefined }), 'bad-audience'],
    ['aud empty', AUDIENCE_CLAUSE, claims({ aud: '' }), 'bad-audience'],
    ['aud a number', AUDIENCE_CLAUSE, claims({ aud: 1 }), 'bad-audience'],
    ['aud an empty list', AUDIENCE_CLAUSE, claims({ aud: [] }), 'bad-audience'],
    [
      'aud a list of two',
      AUDIENCE_CLAUSE,
      claims({ aud: [AUDIENCE, 'https://elsewhere.test/'] }),
      'bad-audience',
      'stricter',
    ],
    ['another audience', AUDIENCE_CLAUSE, claims({ aud: 'https://elsewhere.test/orders' }), 'wrong-audience'],
    [
      'aud that Host and X-Forwarded-Host say',
      AUDIENCE_CLAUSE,
      {
        claims: { aud: 'https://elsewhere.test/orders' },
        headers: (wit, proof) => [
          ['Host', 'elsewhere.test'],
          ['X-Forwarded-Host', 'elsewhere.test'],
          ['Workload-Identity-Token', wit],
          ['Authorization', `WPT ${proof}`],
        ],
      },
      'wrong-audience',
    ],
    ['aud that others are configured with', AUDIENCE_CLAUSE, { audiences: ['orders'] }, 'wrong-audience'],
    ['aud with a slash more', AUDIENCE_CLAUSE, claims({ aud: `${AUDIENCE}/` }), 'wrong-audience'],
    ['aud with a part of the path', AUDIENCE_CLAUSE, claims({ aud: 'https://tools.example.org/' }), 'wrong-audience'],
    ['aud over http', AUDIENCE_CLAUSE, claims({ aud: AUDIENCE.replace('https', 'http') }), 'wrong-audience'],
    [
      'aud with a percent-encoded letter',
      AUDIENCE_CLAUSE,
      claims({ aud: AUDIENCE.replace('orders', '%6frders') }),
      'wrong-audience',
    ],
    ['aud with user information', AUDIENCE_CLAUSE, claims({ aud: AUDIENCE.replace('//', '//x@') }), 'wrong-audience'],
  ];
}

function hashRows(): readonly WptRow[] {
  const wit = witFor({});
  const other = witOf(CALLERS.courier, { jti: 'another' });
  return [
    ['no wth', WPT, claims({ wth: undefined }), 'wrong-wit'],
    ['wth a list', WPT, claims({ wth: [hash(wit)] }), 'wrong-wit'],
    ['wth of another WIT of the same key', WPT, claims({ wth: hash(other) }), 'wrong-wit'],
    ['wth with padding', WPT, claims({ wth: `${hash(wit)}=` }), 'wrong-wit'],
    ['wth in hexadecimal', WPT, claims({ wth: createHash('sha256').update(wit).digest('hex') }), 'wrong-wit'],
    ['ath without a token, -01', WPT01, { draft: '01', claims: { ath: hashes.ath } }, 'wrong-access-token'],
    ['ath in -02, which has none', WPT, claims({ ath: hashes.ath }), 'wrong-access-token', 'stricter'],
    ['a bearer token without ath', WPT01, { draft: '01', more: [bearer] }, 'wrong-access-token'],
    ['ath of another token', WPT01, { draft: '01', claims: { ath: hash('x') }, more: [bearer] }, 'wrong-access-token'],
    [
      'ath over the scheme too',
      WPT01,
      {
        draft: '01',
        claims: { ath: hash(bearer[1]) },
        more: [bearer],
      },
      'wrong-access-token',
    ],
    ['tth without a token', WPT, claims({ tth: hashes.tth }), 'wrong-transaction-token'],
    ['a Txn-Token without tth', WPT, { more: [txnToken] }, 'wrong-transaction-token'],
    ['tth of another token', WPT, { claims: { tth: hash('x') }, more: [txnToken] }, 'wrong-transaction-token'],
    ['tth null', WPT, { claims: { tth: null }, more: [txnToken] }, 'wrong-transaction-token'],
  ];
}

function otherTokenRows(): readonly WptRow[] {
  const known: WptParts = { more: [userToken], otherTokens: ['x-end-user'] };
  const oth = (value: unknown): WptParts => ({ ...known, claims: { oth: value } });
  const value = hashes.oth['x-end-user'];
  return [
    ['oth for a field that is not there', WPT, { ...oth(hashes.oth), more: [] }, 'wrong-other-token'],
    [
      'oth for a field that the verifier does not know',
      WPT,
      { ...oth(hashes.oth), otherTokens: [] },
      'wrong-other-token',
    ],
    ['oth with one entry more', WPT, oth({ ...hashes.oth, 'x-unknown': value }), 'wrong-other-token'],
    ['oth of another token', WPT, oth({ 'x-end-user': hash('x') }), 'wrong-other-token'],
    ['oth with an upper-case name', WPT, oth({ 'X-End-User': value }), 'wrong-other-token'],
    ['oth with a hash that is no string', WPT, oth({ 'x-end-user': 1 }), 'wrong-other-token'],
    ['oth a list', WPT, oth([value]), 'wrong-other-token'],
    ['oth null', WPT, oth(null), 'wrong-other-token'],
    [
      'oth with 20 entries',
      WPT,
      oth(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`x-${index}`, value]))),
      'wrong-other-token',
    ],
    ['oth constructor', WPT, oth({ constructor: value }), 'wrong-other-token'],
  ];
}

function goodText(): string {
  return JSON.stringify(goodClaims(witFor({}), 'text'));
}
