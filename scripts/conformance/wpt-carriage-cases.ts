import { CALLERS, witOf } from './tokens.js';
import {
  ACCESS_TOKEN,
  bearer,
  carried,
  hashes,
  TXN_TOKEN,
  txnToken,
  userToken,
  WPT,
  WPT01,
  type WptRow,
} from './wpt-maker.js';

const WIT_FIELD = 'Workload-Identity-Token';
const other = witOf(CALLERS.planner);

/** How WIT and proof travel: what is counted, and what must not stand next to what. */
export function carriageRows(): readonly WptRow[] {
  return [
    ['no WIT', WPT, { headers: (_, proof) => [['Authorization', `WPT ${proof}`]] }, 'missing-wit'],
    ['no proof', WPT, { headers: (wit) => [[WIT_FIELD, wit]] }, 'missing-proof'],
    ['the WIT as a bearer token', WPT, { headers: (wit) => [['Authorization', `Bearer ${wit}`]] }, 'missing-wit'],
    [
      'the WIT, and a bearer token in place of a proof',
      WPT,
      {
        headers: (wit) => [[WIT_FIELD, wit], bearer],
      },
      'missing-proof',
    ],
    [
      'the WIT as access token next to -01',
      WPT01,
      {
        draft: '01',
        headers: (wit, proof) => [...carried('01', wit, proof), ['Authorization', `Bearer ${wit}`]],
      },
      'bad-header',
    ],
    [
      'two WIT fields',
      WPT,
      {
        headers: (wit, proof) => [...carried('02', wit, proof), [WIT_FIELD, other]],
      },
      'duplicate-header',
    ],
    [
      'the same WIT field twice',
      WPT,
      {
        headers: (wit, proof) => [...carried('02', wit, proof), [WIT_FIELD, wit]],
      },
      'duplicate-header',
    ],
    [
      'two WITs in one field',
      WPT,
      {
        headers: (wit, proof) => carried('02', `${wit}, ${other}`, proof),
      },
      'bad-header',
    ],
    ['a WIT with padding', WPT, { headers: (wit, proof) => carried('02', `${wit}==`, proof) }, 'bad-header'],
    [
      'two proofs in two fields, -02',
      WPT,
      {
        headers: (wit, proof) => [...carried('02', wit, proof), ['Authorization', `WPT ${proof}`]],
      },
      'duplicate-header',
    ],
    [
      'two proofs in two fields, -01',
      WPT01,
      {
        draft: '01',
        headers: (wit, proof) => [...carried('01', wit, proof), ['workload-proof-token', proof]],
      },
      'duplicate-header',
    ],
    [
      'a proof that is no JWT, -02',
      WPT,
      {
        headers: (wit, proof) => carried('02', wit, proof.replaceAll('.', '')),
      },
      'bad-header',
    ],
    [
      'two proofs in one field, -01',
      WPT01,
      {
        draft: '01',
        headers: (wit, proof) => carried('01', wit, `${proof}, ${proof}`),
      },
      'bad-header',
    ],
    [
      'two Authorization fields, -02',
      WPT,
      {
        headers: (wit, proof) => [...carried('02', wit, proof), bearer],
      },
      'duplicate-header',
    ],
    [
      'the forms of both drafts',
      WPT,
      {
        headers: (wit, proof) => [...carried('02', wit, proof), ['Workload-Proof-Token', proof]],
      },
      'two-proofs',
    ],
    [
      'a WIMSE HTTP signature next to the proof',
      'draft-ietf-wimse-wpt-02 1',
      {
        more: [
          ['Signature-Input', 'wimse=("@method");created=1800000000;tag="wimse-workload-to-workload"'],
          ['Signature', 'wimse=:AAAA:'],
        ],
      },
      'two-proofs',
      'stricter',
    ],
    ['-01 where -02 is accepted', WPT, { draft: '01', drafts: ['draft-ietf-wimse-wpt-02'] }, 'draft-not-accepted'],
    ['-02 where -01 is accepted', WPT01, { drafts: ['draft-ietf-wimse-wpt-01'] }, 'draft-not-accepted'],
    [
      'Basic credentials next to -01',
      WPT01,
      {
        draft: '01',
        more: [['Authorization', 'Basic dXNlcjpwYXNz']],
      },
      'bad-authorization',
      'stricter',
    ],
    [
      'two access tokens in one field',
      WPT01,
      {
        draft: '01',
        claims: { ath: hashes.ath },
        more: [['Authorization', `Bearer ${ACCESS_TOKEN}, Bearer x`]],
      },
      'bad-header',
    ],
    [
      'two Txn-Token fields',
      WPT,
      {
        claims: { tth: hashes.tth },
        more: [txnToken, ['txn-token', TXN_TOKEN]],
      },
      'duplicate-header',
    ],
    [
      'two Txn-Tokens in one field',
      WPT,
      {
        claims: { tth: hashes.tth },
        more: [['Txn-Token', `${TXN_TOKEN}, ${TXN_TOKEN}`]],
      },
      'bad-header',
    ],
    [
      'a field with another token twice',
      WPT,
      {
        claims: { oth: hashes.oth },
        more: [userToken, userToken],
        otherTokens: ['x-end-user'],
      },
      'duplicate-header',
    ],
  ];
}
