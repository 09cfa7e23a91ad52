import { publicJwk } from './keys.js';
import { witLimitRows } from './limit-cases.js';
import { asDer, hmacOfPublicKey, withS } from './signatures.js';
import { confirmation, NOW, segment } from './tokens.js';
import type { WitCase } from './vectors.js';
import { confirmationRows } from './wit-confirmation-cases.js';
import { CLAIMS, tokenOf, toWitCase, WIMSE, type WitParts, type WitRow } from './wit-maker.js';

const CREDS = 'draft-ietf-wimse-workload-creds-02';
const header = (more: object): WitParts => ({ header: more });
const claims = (more: object): WitParts => ({ claims: more });
const wimseClaims = (more: object): WitParts => ({ ...WIMSE, claims: { ...WIMSE.claims, ...more } });
const wimseHeader = (more: object): WitParts => ({ ...WIMSE, header: { ...WIMSE.header, ...more } });
const goodPayload = JSON.stringify(CLAIMS);

const accepted: readonly WitRow[] = [
  ['ES256', 'WIT-SVID 2.3', {}, 'accept'],
  ['RS256', 'WIT-SVID 2.3', { header: { alg: 'RS256', kid: 'k3' }, key: 'example-rsa', alg: 'RS256' }, 'accept'],
  [
    'ES384, bound to P-384',
    'WIT-SVID 2.3, 3.2',
    {
      header: { alg: 'ES384', kid: 'k2' },
      claims: { cnf: confirmation('planner-p384', 'ES384') },
      key: 'example-p384',
      alg: 'ES384',
      bound: 'planner-p384',
    },
    'accept',
  ],
  [
    'PS256 with a key that names no algorithm',
    'WIT-SVID 2.3',
    {
      header: { alg: 'PS256', kid: 'k3' },
      key: 'example-rsa',
      alg: 'PS256',
      trust: 'a key without alg',
    },
    'accept',
  ],
  ['a high s', 'RFC 7518 3.4', { bend: (signature) => withS('high', signature) }, 'accept'],
  ['a low s', 'RFC 7518 3.4', { bend: (signature) => withS('low', signature) }, 'accept'],
  ['EdDSA', `${CREDS} "The Workload Identity Token"`, WIMSE, 'accept'],
  [
    'Ed25519, bound to Ed25519',
    `${CREDS} "The Workload Identity Token", RFC 9864 2.2`,
    {
      ...wimseClaims({ cnf: confirmation('courier-ed25519', 'Ed25519') }),
      header: { alg: 'Ed25519' },
      alg: 'Ed25519',
    },
    'accept',
  ],
  ['no kid and one key', `${CREDS} "Establishing Trust Anchors"`, wimseHeader({ kid: undefined }), 'accept'],
  ['typ with application/ in front', 'RFC 7515 4.1.9', wimseHeader({ typ: 'application/wit+jwt' }), 'accept'],
  ['aud in the wimse profile', `${CREDS} "The Workload Identity Token"`, wimseClaims({ aud: 'anybody' }), 'accept'],
  [
    'a SPIFFE ID in the wimse profile, EdDSA key',
    `${CREDS} "The Workload Identity Token"`,
    {
      profile: 'wimse',
      claims: { cnf: confirmation('courier-ed25519', 'EdDSA') },
      bound: 'courier-ed25519',
    },
    'accept',
  ],
  ['iat in the future', 'WIT-SVID 3.6', claims({ iat: NOW + 600 }), 'accept'],
  ['nbf now', 'RFC 7519 4.1.5', claims({ nbf: NOW }), 'accept'],
  ['expired within the leeway', 'RFC 7519 4.1.4', { now: NOW + 3629 }, 'accept'],
  [
    'claims and header parameters that nobody knows',
    'WIT-SVID 2.4, 3.8',
    {
      header: { x: 1 },
      claims: { roles: ['reader'] },
    },
    'accept',
  ],
  [
    'a key in the header, which nobody looks at',
    `${CREDS} "Establishing Trust Anchors"`,
    header({
      jwk: publicJwk('attacker-p256'),
      jku: 'https://attacker.test/keys',
    }),
    'accept',
  ],
  ['one kid for a JWT-SVID key and a WIT-SVID key', 'WIT-SVID 6.2', { trust: 'one kid for two uses' }, 'accept'],
];

const algorithms: readonly WitRow[] = [
  ['alg none', 'RFC 8725 3.2', { header: { alg: 'none' } }, 'algorithm-not-allowed'],
  [
    'HS256 with the public key as secret',
    'RFC 8725 2.1',
    {
      header: { alg: 'HS256' },
      bend: (_, input) => hmacOfPublicKey('example-p256', input),
    },
    'algorithm-not-allowed',
  ],
  ['an alg that nobody knows', 'RFC 8725 3.1', header({ alg: 'ES256X' }), 'algorithm-not-allowed'],
  ['alg in another case', 'RFC 7515 4.1.1', header({ alg: 'es256' }), 'algorithm-not-allowed'],
  ['alg a number', 'RFC 7515 4.1.1', header({ alg: 256 }), 'algorithm-not-allowed'],
  [
    'EdDSA in the spiffe profile',
    'WIT-SVID 2.3',
    {
      header: { alg: 'EdDSA' },
      key: 'example-ed25519',
      alg: 'EdDSA',
    },
    'algorithm-not-allowed',
  ],
  ['ES256 by a P-384 key', 'RFC 7518 3.4', header({ kid: 'k2' }), 'algorithm-mismatch'],
  [
    'PS256 with a key for RS256',
    'RFC 7517 4.4',
    {
      header: { alg: 'PS256', kid: 'k3' },
      key: 'example-rsa',
      alg: 'PS256',
    },
    'algorithm-mismatch',
  ],
  ['a key that may only encrypt', 'RFC 7517 4.3', { trust: 'a key that may only encrypt' }, 'algorithm-mismatch'],
  ['typ JWT', 'WIT-SVID 2.2', header({ typ: 'JWT' }), 'wrong-type'],
  ['no typ', 'WIT-SVID 2.2', header({ typ: undefined }), 'wrong-type'],
  ['typ of a proof', 'WIT-SVID 2.2', header({ typ: 'wpt+jwt' }), 'wrong-type'],
  ['typ of an older draft', 'WIT-SVID 2.2', header({ typ: 'wimse-id+jwt' }), 'wrong-type'],
  [
    'typ with application/ in the spiffe profile',
    'WIT-SVID 2.2',
    header({ typ: 'application/wit+jwt' }),
    'wrong-type',
    'stricter',
  ],
  ['typ a list', 'RFC 7515 4.1.9', header({ typ: ['wit+jwt'] }), 'wrong-type'],
  ['no kid in the spiffe profile', 'WIT-SVID 2.1', header({ kid: undefined }), 'bad-kid'],
  ['kid a number', 'RFC 7515 4.1.4', header({ kid: 1 }), 'bad-kid'],
  [
    'no kid and several keys',
    `${CREDS} "Establishing Trust Anchors"`,
    {
      profile: 'wimse',
      header: { kid: undefined },
    },
    'ambiguous-key',
  ],
];

const keys: readonly WitRow[] = [
  ['kid in another case', 'RFC 7515 4.1.4', header({ kid: 'K1' }), 'unknown-key'],
  ['kid __proto__', 'RFC 7515 4.1.4', header({ kid: '__proto__' }), 'unknown-key'],
  ['signed with the key for JWT-SVIDs', 'WIT-SVID 6.2', { header: { kid: 'k4' }, key: 'example-jwt' }, 'unknown-key'],
  ['a bundle without keys', 'WIT-SVID 6.2', { trust: 'no keys' }, 'unknown-key'],
  ['signed by another trust domain under the same kid', 'WIT-SVID 4', { key: 'other-p256' }, 'bad-signature'],
  [
    'the other trust domain names itself',
    'WIT-SVID 4',
    {
      claims: { sub: 'spiffe://other.test/agents/planner' },
    },
    'bad-signature',
  ],
  [
    'the other scheme of the same name',
    'draft-ietf-wimse-identifier-03 4.1',
    {
      profile: 'wimse',
      claims: { sub: 'wimse://example.org/agents/planner' },
      header: { kid: 'k1' },
    },
    'algorithm-mismatch',
  ],
  [
    'a trust domain that nobody holds keys of',
    'WIT-SVID 4',
    {
      claims: { sub: 'spiffe://unknown.test/agents/planner' },
    },
    'unknown-trust-domain',
  ],
  [
    'self-made: the key comes along in the header',
    'RFC 8725 3.10',
    {
      header: { jwk: publicJwk('attacker-p256') },
      key: 'attacker-p256',
    },
    'bad-signature',
  ],
  [
    'iss of a trust domain that holds the key',
    `${CREDS} "Establishing Trust Anchors"`,
    {
      claims: { iss: 'spiffe://other.test' },
      key: 'other-p256',
    },
    'bad-signature',
  ],
  ['a changed claim', 'RFC 7515 5.2', { token: changed() }, 'bad-signature'],
  ['an ECDSA signature in DER', 'RFC 7518 3.4', { bend: asDer }, 'bad-signature'],
  ['an ECDSA signature of 63 bytes', 'RFC 7518 3.4', { bend: (signature) => signature.subarray(1) }, 'bad-signature'],
  ['r and s zero', 'RFC 7518 3.4', { bend: () => Buffer.alloc(64) }, 'bad-signature'],
];

const shape: readonly WitRow[] = [
  ['two segments', 'RFC 7515 3.1', { token: withoutSignature() }, 'not-a-token'],
  ['four segments', 'RFC 7515 3.1', { token: `${withoutSignature()}.AA.AA` }, 'not-a-token'],
  ['five segments: a JWE', 'RFC 7516 3.1', { token: `${withoutSignature()}.AA.AA.AA` }, 'not-a-token'],
  ['a detached payload', 'RFC 7515 appendix F', { token: detached() }, 'not-a-token'],
  [
    'a lone surrogate',
    'RFC 8259 8.2',
    { payloadText: goodPayload.replace('{', '{"x":"\\ud800",') },
    'not-a-token',
    'stricter',
  ],
  ['an empty signature', 'RFC 7515 3.1', { bend: () => Buffer.alloc(0) }, 'not-a-token'],
  [
    'a padded segment',
    'RFC 7515 2',
    { spell: (text) => `${text}${'='.repeat((4 - (text.length % 4)) % 4 || 1)}` },
    'bad-encoding',
  ],
  ['trailing bits that are not zero', 'RFC 4648 3.5', { token: withTrailingBits() }, 'bad-encoding', 'stricter'],
  ['plus and slash', 'RFC 7515 2', { spell: (text) => `${text.slice(0, -1)}+` }, 'bad-encoding'],
  [
    'alg twice',
    'RFC 7515 4',
    { headerText: '{"alg":"none","alg":"ES256","kid":"k1","typ":"wit+jwt"}' },
    'duplicate-member',
    'stricter',
  ],
  [
    'sub twice',
    'RFC 7519 4',
    { payloadText: goodPayload.replace('{', '{"sub":"spiffe://example.org/admin",') },
    'duplicate-member',
    'stricter',
  ],
  [
    'a member __proto__',
    'RFC 8259 4',
    { payloadText: goodPayload.replace('{', '{"__proto__":{},') },
    'duplicate-member',
    'stricter',
  ],
  ['claims that are a list', 'RFC 7519 7.2', { payloadText: `[${goodPayload}]` }, 'not-a-token'],
  ['claims with a byte order mark', 'RFC 8259 8.1', { payloadText: `\uFEFF${goodPayload}` }, 'not-a-token', 'stricter'],
  [
    'claims that are not UTF-8',
    'RFC 7519 7.2',
    {
      payloadText: Buffer.concat([
        Buffer.from(goodPayload.slice(0, -1)),
        Buffer.from(',"x":"'),
        Buffer.of(0xff),
        Buffer.from('"}'),
      ]),
    },
    'not-a-token',
  ],
  [
    'claims 40 levels deep',
    'RFC 8259 9',
    { payloadText: goodPayload.replace('{', `{"x":${'['.repeat(40)}${']'.repeat(40)},`) },
    'not-a-token',
    'stricter',
  ],
  ['more than 8192 bytes', 'RFC 7519 12', { claims: { x: 'x'.repeat(6200) } }, 'too-large', 'stricter'],
  ['crit', 'RFC 7515 4.1.11', header({ crit: ['exp'], exp: 1 }), 'unsupported-header'],
  ['crit without anything in it', 'RFC 7515 4.1.11', header({ crit: [] }), 'unsupported-header'],
  ['b64 false', 'RFC 7797 6', header({ b64: false, crit: ['b64'] }), 'unsupported-header'],
  ['zip', 'RFC 8725 3.6', header({ zip: 'DEF' }), 'unsupported-header', 'stricter'],
  ['cty JWT: a nested token', 'RFC 7519 5.2', header({ cty: 'JWT' }), 'unsupported-header', 'stricter'],
];

const contents: readonly WitRow[] = [
  ['no sub', 'WIT-SVID 3.1', claims({ sub: undefined }), 'bad-subject'],
  ['sub without a path', 'WIT-SVID 3.1', claims({ sub: 'spiffe://example.org' }), 'bad-subject'],
  ['sub with a percent', 'SPIFFE-ID 2.2', claims({ sub: 'spiffe://example.org/agents/%70lanner' }), 'bad-subject'],
  ['sub with a dot segment', 'SPIFFE-ID 2.2', claims({ sub: 'spiffe://example.org/agents/../planner' }), 'bad-subject'],
  [
    'sub with an upper-case trust domain',
    'SPIFFE-ID 2.1',
    claims({ sub: 'spiffe://Example.org/agents/planner' }),
    'bad-subject',
  ],
  ['sub with a query', 'SPIFFE-ID 2.3', claims({ sub: 'spiffe://example.org/agents/planner?x' }), 'bad-subject'],
  ['sub of another scheme', 'WIT-SVID 3.1', claims({ sub: 'https://example.org/agents/planner' }), 'bad-subject'],
  [
    'a wimse identifier in the spiffe profile',
    'WIT-SVID 3.1',
    claims({ sub: 'wimse://example.org/agents/planner' }),
    'bad-subject',
  ],
  ['no exp', 'WIT-SVID 3.4', claims({ exp: undefined }), 'bad-time'],
  ['exp a string', 'RFC 7519 4.1.4', claims({ exp: `${NOW + 3600}` }), 'bad-time'],
  ['exp negative', 'RFC 7519 4.1.4', claims({ exp: -1 }), 'bad-time'],
  ['exp 1e999', 'RFC 8259 6', { payloadText: goodPayload.replace(`${NOW + 3600}`, '1e999') }, 'bad-number', 'stricter'],
  [
    'exp beyond 2^53',
    'RFC 8259 6',
    { payloadText: goodPayload.replace(`${NOW + 3600}`, '9007199254740993') },
    'bad-number',
    'stricter',
  ],
  ['expired by the leeway', 'RFC 7519 4.1.4', { now: NOW + 3630 }, 'expired'],
  ['nbf in the future', 'RFC 7519 4.1.5', claims({ nbf: NOW + 31 }), 'not-yet-valid'],
  ['nbf a string', 'RFC 7519 4.1.5', claims({ nbf: 'now' }), 'bad-time'],
  ['aud in the spiffe profile', 'WIT-SVID 3.8', claims({ aud: 'https://tools.example.org' }), 'audience-present'],
  ['an empty aud in the spiffe profile', 'WIT-SVID 3.8', claims({ aud: [] }), 'audience-present'],
  ['iss a number', 'RFC 7519 4.1.1', claims({ iss: 1 }), 'bad-claim'],
  ['jti a number', 'RFC 7519 4.1.7', claims({ jti: 1 }), 'bad-claim'],
];

export function witCases(): WitCase[] {
  return [...accepted, ...algorithms, ...keys, ...shape, ...contents, ...confirmationRows(), ...witLimitRows()].map(
    toWitCase,
  );
}

function withoutSignature(): string {
  return tokenOf({}).split('.').slice(0, 2).join('.');
}

function detached(): string {
  const [head, , signature] = tokenOf({}).split('.');
  return `${head}..${signature}`;
}

function changed(): string {
  const [head, , signature] = tokenOf({}).split('.');
  return `${head}.${segment({ ...CLAIMS, sub: 'spiffe://example.org/admin' })}.${signature}`;
}

/** The last character of 64 bytes in base64url carries four bits too many. */
function withTrailingBits(): string {
  const token = tokenOf({});
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${token.slice(0, -1)}${alphabet[alphabet.indexOf(token.slice(-1)) + 1]}`;
}
