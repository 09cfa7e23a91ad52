import { x509Entry } from '../../support/bundle-documents.js';
import { makeAuthority, makeLeaf } from '../../support/x509.js';
import { base64, type DocumentCase, type DocumentRow, documentCases } from '../support/case.js';
import { jwk, jwks, privateJwk } from '../support/jwks.js';
import { keyPair } from '../support/keys.js';

const ec = keyPair('P-256', 'bundle');
const rsa = keyPair('RSA', 'bundle');
const a = jwk(ec, { kid: 'a' });
const b = jwk(rsa, { kid: 'b' });

/** JWK Sets as the Workload API delivers them, for JWT and for WIT keys. */
export function keySetCases(): readonly DocumentCase[] {
  const offCurve = {
    kty: 'EC',
    crv: 'P-256',
    kid: 'off',
    x: 'AAAA'.repeat(10).concat('AAA'),
    y: 'AAAA'.repeat(10).concat('AAE'),
  };
  const common: readonly DocumentRow[] = [
    ['one key', 'accept', jwks(a)],
    ['two keys', 'accept', jwks(a, b)],
    ['a key on P-384', 'accept', jwks(jwk(keyPair('P-384'), { kid: 'c' }))],
    ['a key on P-521', 'accept', jwks(jwk(keyPair('P-521'), { kid: 'c' }))],
    ['an Ed25519 key', 'accept', jwks(jwk(keyPair('Ed25519'), { kid: 'c' }))],
    ['no keys', 'accept', jwks()],
    ['an unknown member of the document', 'accept', JSON.stringify({ keys: [a], other: 1 })],
    ['an unknown member of a key', 'accept', jwks({ ...a, other: 1 })],
    ['a key without kid', 'accept', jwks(jwk(ec))],
    ['a second key without kid', 'accept', jwks(a, jwk(rsa))],
    ['an empty kid', 'accept', jwks(jwk(ec, { kid: '' }))],
    ['a kid that is a number', 'accept', jwks(jwk(ec, { kid: 1 }))],
    ['one kid for two keys', 'refuse', jwks(a, { ...b, kid: 'a' })],
    ['a key for signatures by RFC 7517', 'accept', jwks({ ...a, use: 'sig' }, b)],
    ['a key for encryption', 'accept', jwks({ ...a, use: 'enc' }, b)],
    ['a key of an unknown use', 'accept', jwks({ ...a, use: 'future-svid' }, b)],
    ['a key of an unknown type', 'accept', jwks(a, { kty: 'AKP', alg: 'ML-DSA-44', kid: 'p', pub: 'AAAA' })],
    ['a key on an unknown curve', 'accept', jwks(a, jwk(keyPair('secp256k1'), { kid: 'k' }))],
    ['a key off its curve', 'accept', jwks(a, offCurve)],
    ['a key with a short coordinate', 'accept', jwks(a, { ...offCurve, x: 'AAAA' })],
    ['RSA of 1024 bits', 'accept', jwks(a, jwk(keyPair('RSA-1024'), { kid: 'w' }))],
    ['an RSA exponent of 1', 'accept', jwks(a, { ...b, e: 'AQ' })],
    ['a key with padding in a member', 'accept', jwks({ ...a, x: `${(a as { x: string }).x}=` })],
    ['a private key', 'refuse', jwks(privateJwk(ec, { kid: 'a' }))],
    ['a symmetric key', 'accept', jwks(a, { kty: 'oct', kid: 's', k: 'c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0' })],
    ['an empty document', 'refuse', ''],
    ['a text', 'refuse', 'not json'],
    ['cut short', 'refuse', jwks(a).slice(0, -1)],
    ['text after the document', 'refuse', `${jwks(a)} x`],
    ['no keys member', 'refuse', '{}'],
    ['keys that are null', 'refuse', '{"keys":null}'],
    ['keys that are no list', 'refuse', '{"keys":{}}'],
    ['a key that is no object', 'refuse', '{"keys":["a"]}'],
    ['a list', 'refuse', '[]'],
    ['a member of a key twice', 'refuse', jwks(a).replace('"kid"', '"kid":"z","kid"')],
    ['the keys member twice', 'refuse', `{"keys":[],${jwks(a).slice(1)}`],
    ['a byte order mark', 'refuse', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(jwks(a))])],
    ['bytes that are not UTF-8', 'refuse', Buffer.from(jwks(jwk(ec, { kid: 'caf\u{e9}' })), 'latin1')],
    ['half of a surrogate pair', 'refuse', jwks(a).replace('"a"', '"\\ud800"')],
    ['nested without end', 'refuse', '['.repeat(6000)],
  ];
  const jwt: readonly DocumentRow[] = [
    ['a key marked jwt-svid', 'accept', jwks({ ...a, use: 'jwt-svid' })],
    ['a key marked wit-svid', 'accept', jwks({ ...a, use: 'wit-svid' }, b)],
    ['a key marked x509-svid', 'accept', jwks({ ...a, use: 'x509-svid' }, b)],
  ];
  const wit: readonly DocumentRow[] = [
    ['a key marked wit-svid', 'accept', jwks({ ...a, use: 'wit-svid' })],
    ['a key marked jwt-svid', 'accept', jwks({ ...a, use: 'jwt-svid' }, b)],
    ['a key marked x509-svid', 'accept', jwks({ ...a, use: 'x509-svid' }, b)],
  ];
  return [...documentCases('jwt-bundle', [...common, ...jwt]), ...documentCases('wit-bundle', [...common, ...wit])];
}

/** SPIFFE bundle documents, as bundle endpoints and files carry them. */
export function spiffeBundleCases(): readonly DocumentCase[] {
  const first = makeAuthority('root');
  const second = makeAuthority('other root');
  const x5c = (...certificates: readonly Uint8Array[]): object => ({ x5c: certificates.map(base64) });
  const authority = x509Entry(first);
  const leaf = makeLeaf(first, 'spiffe://example.org/workload');
  const jwtKey = { ...a, use: 'jwt-svid' };
  const witKey = { ...b, use: 'wit-svid' };
  const document = (more: object, ...keys: readonly object[]): string => JSON.stringify({ keys, ...more });
  const { crv: _crv, ...withoutCurve } = jwtKey as { readonly crv?: string };

  return documentCases('spiffe-bundle', [
    ['one key of each kind', 'accept', document({}, authority, jwtKey, witKey)],
    ['sequence and refresh hint', 'accept', document({ spiffe_sequence: 1, spiffe_refresh_hint: 300 }, authority)],
    ['two authorities', 'accept', document({}, authority, x509Entry(second))],
    ['no keys', 'accept', document({})],
    ['an unknown member', 'accept', document({ other: true }, jwtKey)],
    ['a sequence of 2^53 + 1', 'accept', document({}, jwtKey).replace('{', '{"spiffe_sequence":9007199254740993,')],
    [
      'the largest sequence of 64 bits',
      'accept',
      document({}, jwtKey).replace('{', '{"spiffe_sequence":18446744073709551615,'),
    ],
    [
      'a sequence beyond 64 bits',
      'refuse',
      document({}, jwtKey).replace('{', '{"spiffe_sequence":18446744073709551616,'),
    ],
    ['a negative sequence', 'refuse', document({ spiffe_sequence: -1 }, jwtKey)],
    ['a sequence with a fraction', 'refuse', document({ spiffe_sequence: 1.5 }, jwtKey)],
    ['a sequence that is a text', 'refuse', document({ spiffe_sequence: '1' }, jwtKey)],
    ['a sequence that is null', 'refuse', document({ spiffe_sequence: null }, jwtKey)],
    ['a refresh hint of zero', 'accept', document({ spiffe_refresh_hint: 0 }, jwtKey)],
    ['a negative refresh hint', 'refuse', document({ spiffe_refresh_hint: -1 }, jwtKey)],
    ['a refresh hint with a fraction', 'refuse', document({ spiffe_refresh_hint: 1.5 }, jwtKey)],
    ['a refresh hint that is a text', 'refuse', document({ spiffe_refresh_hint: '300' }, jwtKey)],
    ['no keys member', 'refuse', '{"spiffe_sequence":1}'],
    ['keys that are null', 'refuse', '{"keys":null}'],
    ['a JWT key without kid', 'accept', document({}, jwk(ec, { use: 'jwt-svid' }))],
    ['a WIT key without kid', 'accept', document({}, jwk(ec, { use: 'wit-svid' }))],
    ['a second JWT key without kid', 'accept', document({}, jwtKey, jwk(rsa, { use: 'jwt-svid' }))],
    ['a key without use', 'accept', document({}, a, witKey)],
    ['a key of an unknown use', 'accept', document({}, { ...a, use: 'future-svid' }, witKey)],
    ['a use in upper case', 'accept', document({}, { ...a, use: 'JWT-SVID' }, witKey)],
    [
      'a key of an unknown type',
      'accept',
      document({}, { kty: 'AKP', alg: 'ML-DSA-44', use: 'jwt-svid', kid: 'p', pub: 'AAAA' }, witKey),
    ],
    ['one kid for a JWT and a WIT key', 'refuse', document({}, jwtKey, { ...witKey, kid: 'a' })],
    ['one kid for two JWT keys', 'refuse', document({}, jwtKey, { ...b, kid: 'a', use: 'jwt-svid' })],
    ['an authority with two certificates', 'accept', document({}, x509Entry(first, x5c(first.der, second.der)))],
    ['an authority without certificate', 'accept', document({}, x509Entry(first, x5c()), jwtKey)],
    ['an authority without x5c', 'accept', document({}, jwk(first.keys, { use: 'x509-svid' }), jwtKey)],
    ['an authority with kid', 'accept', document({}, x509Entry(first, { kid: 'x' }))],
    [
      'an authority whose key is not that of its certificate',
      'accept',
      document({}, jwk(ec, { use: 'x509-svid', ...x5c(first.der) })),
    ],
    ['an authority that is a leaf', 'accept', document({}, x509Entry(leaf))],
    ['a certificate that is not one', 'accept', document({}, x509Entry(first, { x5c: ['AAAA'] }))],
    ['a certificate in base64url', 'accept', document({}, x509Entry(first, { x5c: ['_-_-'] }))],
    ['a JWT key without curve', 'accept', document({}, withoutCurve)],
    ['a private JWT key', 'refuse', document({}, privateJwk(ec, { kid: 'a', use: 'jwt-svid' }))],
    ['the keys member twice', 'refuse', `{"keys":[],${document({}, jwtKey).slice(1)}`],
    ['a text', 'refuse', 'not json'],
    ['an empty document', 'refuse', ''],
  ]);
}
