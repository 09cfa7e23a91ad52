import { asDer, hmacOfPublicKey, withLargeS } from './signatures.js';
import { CALLERS, segment, witOf } from './tokens.js';
import { goodClaims, proofOf, WPT, type WptParts, type WptRow, witFor } from './wpt-maker.js';

const planner: WptParts = { caller: CALLERS.planner };
const header = (more: object): WptParts => ({ header: more });
const good = JSON.stringify(goodClaims(witFor({}), 'text'));

/** The proof as a token: type, algorithm, signature, syntax. */
export function tokenRows(): readonly WptRow[] {
  return [
    ['typ JWT', WPT, header({ typ: 'JWT' }), 'wrong-type'],
    ['no typ', WPT, header({ typ: undefined }), 'wrong-type'],
    ['typ of a WIT', WPT, header({ typ: 'wit+jwt' }), 'wrong-type'],
    ['the WIT in place of the proof', WPT, { proof: witOf(CALLERS.courier) }, 'wrong-type'],
    ['alg none', WPT, { header: { alg: 'none' } }, 'algorithm-mismatch'],
    [
      'HS256 with the public key as secret',
      'RFC 8725 2.1',
      {
        header: { alg: 'HS256' },
        bend: (_, input) => hmacOfPublicKey('courier-ed25519', input),
      },
      'algorithm-mismatch',
    ],
    ['alg Ed25519 where the WIT says EdDSA', WPT, { alg: 'Ed25519' }, 'algorithm-mismatch'],
    ['alg ES256 where the WIT says EdDSA', WPT, { key: 'attacker-p256', alg: 'ES256' }, 'algorithm-mismatch'],
    ['PS256 by the RSA key where the WIT says RS256', WPT, { caller: CALLERS.rsa, alg: 'PS256' }, 'algorithm-mismatch'],
    ['by another key', WPT, { key: 'attacker-ed25519' }, 'bad-signature'],
    [
      'by another key that the header brings along',
      WPT,
      {
        header: { jwk: { kty: 'OKP', crv: 'Ed25519' } },
        key: 'attacker-ed25519',
      },
      'bad-signature',
    ],
    ['a changed claim', 'RFC 7515 5.2', { proof: changed() }, 'bad-signature'],
    ['an ECDSA signature in DER', 'RFC 7518 3.4', { ...planner, bend: asDer }, 'bad-signature'],
    [
      'an ECDSA signature of 63 bytes',
      'RFC 7518 3.4',
      { ...planner, bend: (bytes) => bytes.subarray(1) },
      'bad-signature',
    ],
    ['r and s zero', 'RFC 7518 3.4', { ...planner, bend: () => Buffer.alloc(64) }, 'bad-signature'],
    ['an Ed25519 signature with S out of range', 'RFC 8032 5.1.7', { bend: withLargeS }, 'bad-signature'],
    [
      'an Ed25519 signature of 65 bytes',
      'RFC 8032 5.1.7',
      {
        bend: (bytes) => Buffer.concat([bytes, Buffer.of(0)]),
      },
      'bad-signature',
    ],
    ['crit', 'RFC 7515 4.1.11', header({ crit: ['x'], x: 1 }), 'unsupported-header'],
    ['zip', 'RFC 8725 3.6', header({ zip: 'DEF' }), 'unsupported-header', 'stricter'],
    [
      'aud twice',
      'RFC 7519 4',
      { payloadText: good.replace('{', '{"aud":"https://elsewhere.test/",') },
      'duplicate-member',
      'stricter',
    ],
    [
      'a member __proto__',
      'RFC 8259 4',
      {
        payloadText: good.replace('{', '{"__proto__":{},'),
      },
      'duplicate-member',
      'stricter',
    ],
    ['claims that are a list', 'RFC 7519 7.2', { payloadText: `[${good}]` }, 'not-a-token'],
    [
      'claims 40 levels deep',
      'RFC 8259 9',
      {
        payloadText: good.replace('{', `{"x":${'['.repeat(40)}${']'.repeat(40)},`),
      },
      'not-a-token',
      'stricter',
    ],
  ];
}

function changed(): string {
  const [head, , signature] = proofOf('-02, EdDSA', {}).split('.');
  return `${head}.${segment({ ...goodClaims(witFor({}), '-02, EdDSA'), jti: 'another' })}.${signature}`;
}
