import { segment } from '../../support/raw-token.js';
import type { TokenCase } from '../support/case.js';
import { jwk, jwks, privateJwk } from '../support/jwks.js';
import { type KeyPair, keyPair } from '../support/keys.js';
import { withHighS } from '../support/tokens.js';
import { ALGORITHMS, AUDIENCE, DOMAIN, type Presented, type Row, SUBJECT, TokenMaker } from './token-cases.js';
import { syntaxRows } from './token-syntax.js';

const header = { alg: 'ES256', kid: 'k', typ: 'wit+jwt' };
const bound = keyPair('P-256', 'bound');
const confirmation = jwk(bound, { alg: 'ES256' });

/** WIT-SVIDs that are valid for ten minutes from `now`, which is in seconds, and all that can be wrong with one. */
export function witCases(now: number): readonly TokenCase[] {
  const maker = new TokenMaker('wit', header, { sub: SUBJECT, exp: now + 600, iat: now, cnf: { jwk: confirmation } });
  return maker.cases([
    ['well made', 'accept', maker.made()],
    ...headers(maker),
    ...signatures(maker),
    ...claims(maker),
    ...times(maker, now),
    ...confirmations(maker),
    ...boundKeys(maker),
    ...syntaxRows(maker),
    ...bundles(maker),
  ]);
}

/** WIT-SVID section 2. */
function headers(maker: TokenMaker): readonly Row[] {
  const { kid: _kid, ...withoutKid } = header;
  const { typ: _typ, ...withoutTyp } = header;
  const key = maker.otherKeys.privateKey;
  return [
    ['no typ', 'refuse', maker.made({ header: withoutTyp })],
    ['typ JWT', 'refuse', maker.withHeader({ typ: 'JWT' })],
    ['typ in upper case', 'refuse', maker.withHeader({ typ: 'WIT+JWT' })],
    ['typ with application/', 'refuse', maker.withHeader({ typ: 'application/wit+jwt' })],
    ['typ of a proof', 'refuse', maker.withHeader({ typ: 'wpt+jwt' })],
    ['typ of older drafts', 'refuse', maker.withHeader({ typ: 'wimse-id+jwt' })],
    ['typ a list', 'refuse', maker.withHeader({ typ: ['wit+jwt'] })],
    ['no kid', 'refuse', maker.made({ header: withoutKid })],
    ['an empty kid', 'refuse', maker.withHeader({ kid: '' })],
    ['a kid that is a number', 'refuse', maker.withHeader({ kid: 1 })],
    ['an unknown kid', 'refuse', maker.withHeader({ kid: 'other' })],
    ['a kid in other case', 'refuse', maker.withHeader({ kid: 'K' })],
    ['alg none', 'refuse', maker.made({ header: { ...header, alg: 'none' }, alg: 'none' })],
    ['alg HS256', 'refuse', maker.made({ header: { ...header, alg: 'HS256' }, alg: 'HS256' })],
    ['a header parameter besides', 'accept', maker.withHeader({ x5t: 'AAAA' })],
    ['alg, and after it the same in other case', 'accept', maker.withHeader({ ALG: 'RS256' })],
    ['a key in the header', 'refuse', maker.made({ header: { ...header, jwk: jwk(maker.otherKeys) }, key })],
  ];
}

function signatures(maker: TokenMaker): readonly Row[] {
  const [head = '', body = '', signature = ''] = maker.make().split('.');
  const otherBody = segment({ ...maker.claims, sub: `${SUBJECT}2` });
  return [
    ...ALGORITHMS.map(([alg, name]): Row => [`${alg}`, 'accept', maker.signed(alg, name)]),
    ['alg EdDSA', 'refuse', maker.signed('EdDSA', 'Ed25519')],
    ['alg ES256K', 'refuse', maker.signed('ES256K', 'secp256k1')],
    ['ES256 with a key on P-384', 'refuse', maker.signed('ES256', 'P-384')],
    ['ES256 with a key whose alg is another', 'refuse', maker.signed('ES256', 'P-256', { alg: 'ES384' })],
    ['RSA of 1024 bits', 'refuse', maker.signed('RS256', 'RSA-1024')],
    ['signed by another key', 'refuse', maker.made({ key: maker.otherKeys.privateKey })],
    ['signed by the bound key', 'refuse', maker.made({ key: bound.privateKey })],
    ['a signature with a high s', 'accept', maker.made({ bend: withHighS })],
    ['a signature in DER', 'refuse', maker.made({ alg: 'ES256 in DER' })],
    ['another payload', 'refuse', { token: `${head}.${otherBody}.${signature}` }],
    ['no signature', 'refuse', { token: `${head}.${body}.` }],
  ];
}

/** WIT-SVID sections 3.1, 3.3, 3.7 and 3.8. */
function claims(maker: TokenMaker): readonly Row[] {
  const there = { sub: 'spiffe://b.test/w' };
  const federated = { [DOMAIN]: maker.bundle(maker.keys), 'b.test': maker.bundle(maker.otherKeys) };
  const key = maker.otherKeys.privateKey;
  return [
    ['no sub', 'refuse', maker.withClaims({ sub: undefined })],
    ['a sub that is no identifier', 'refuse', maker.withClaims({ sub: 'not-a-spiffe-id' })],
    ['a sub without path', 'refuse', maker.withClaims({ sub: `spiffe://${DOMAIN}` })],
    ['a sub with an upper-case trust domain', 'refuse', maker.withClaims({ sub: 'spiffe://Example.org/workload' })],
    ['a sub of the wimse scheme', 'refuse', maker.withClaims({ sub: `wimse://${DOMAIN}/workload` })],
    ['a sub of a trust domain without bundle', 'refuse', maker.withClaims({ sub: 'spiffe://other.org/workload' })],
    ['a sub of a federated trust domain, signed here', 'refuse', { ...maker.withClaims(there), bundles: federated }],
    [
      'a sub of a federated trust domain, signed there',
      'accept',
      { ...maker.made({ payload: { ...maker.claims, ...there }, key }), bundles: federated },
    ],
    ['aud', 'refuse', maker.withClaims({ aud: ['audience'] })],
    ['aud a text', 'refuse', maker.withClaims({ aud: AUDIENCE })],
    ['aud an empty list', 'refuse', maker.withClaims({ aud: [] })],
    ['aud an empty text', 'refuse', maker.withClaims({ aud: '' })],
    ['aud null', 'refuse', maker.withClaims({ aud: null })],
    ['iss', 'accept', maker.withClaims({ iss: 'spiffe://example.org/issuer' })],
    ['iss a number', 'refuse', maker.withClaims({ iss: 1 })],
    ['jti', 'accept', maker.withClaims({ jti: 'x-1' })],
    ['further claims', 'accept', maker.withClaims({ groups: ['a'], nested: { x: 1 } })],
    ['cnf, and after it the same in other case', 'accept', maker.withClaims({ CNF: { jwk: {} } })],
  ];
}

/** WIT-SVID sections 3.4 to 3.6. */
function times(maker: TokenMaker, now: number): readonly Row[] {
  const endless = maker.payload.replace(/"exp":\d+/, '"exp":1e999');
  return [
    ['no exp', 'refuse', maker.withClaims({ exp: undefined })],
    ['expired 90 seconds ago', 'refuse', maker.withClaims({ exp: now - 90 })],
    ['expired 35 seconds ago', 'refuse', maker.withClaims({ exp: now - 35 })],
    ['expired 15 seconds ago', 'accept', maker.withClaims({ exp: now - 15 })],
    ['exp a text', 'refuse', maker.withClaims({ exp: String(now + 600) })],
    ['exp with a fraction', 'refuse', maker.withClaims({ exp: now + 600.5 })],
    ['exp beyond every number', 'refuse', maker.made({ payload: endless })],
    ['nbf in the past', 'accept', maker.withClaims({ nbf: now - 60 })],
    ['nbf in an hour', 'refuse', maker.withClaims({ nbf: now + 3600 })],
    ['no iat', 'accept', maker.withClaims({ iat: undefined })],
    ['iat in an hour', 'accept', maker.withClaims({ iat: now + 3600 })],
  ];
}

/** WIT-SVID section 3.2, RFC 7800 section 3. */
function confirmations(maker: TokenMaker): readonly Row[] {
  const withCnf = (cnf: unknown): Presented => maker.withClaims({ cnf });
  return [
    ['no cnf', 'refuse', withCnf(undefined)],
    ['cnf a text', 'refuse', withCnf('not-an-object')],
    ['cnf null', 'refuse', withCnf(null)],
    ['cnf a list', 'refuse', withCnf([{ jwk: confirmation }])],
    ['cnf without jwk', 'refuse', withCnf({ other: 'field' })],
    ['cnf with a thumbprint alone', 'refuse', withCnf({ jkt: 'AAAA' })],
    ['cnf with the address of keys alone', 'refuse', withCnf({ jku: 'https://evil.example/jwks' })],
    ['cnf with the address of keys besides', 'refuse', withCnf({ jwk: confirmation, jku: 'https://evil.example/' })],
    ['cnf with an encrypted key besides', 'refuse', withCnf({ jwk: confirmation, jwe: 'x' })],
    ['cnf with kid besides', 'accept', withCnf({ jwk: confirmation, kid: 'x' })],
    ['jwk a text', 'refuse', withCnf({ jwk: 'not-an-object' })],
    ['jwk a list', 'refuse', withCnf({ jwk: [confirmation] })],
  ];
}

/** WIT-SVID section 3.2, RFC 7517 and RFC 7518 section 6. */
function boundKeys(maker: TokenMaker): readonly Row[] {
  const withKey = (key: object): Presented => maker.withClaims({ cnf: { jwk: key } });
  const { x } = confirmation as { readonly x: string };
  const rsa = keyPair('RSA', 'bound');
  return [
    ...ALGORITHMS.map(
      ([alg, name]): Row => [`bound to ${alg}`, 'accept', withKey(jwk(keyPair(name, 'bound'), { alg }))],
    ),
    ['jwk without alg', 'refuse', withKey(jwk(bound))],
    ['jwk with alg a number', 'refuse', withKey({ ...confirmation, alg: 123 })],
    ['jwk with alg null', 'refuse', withKey({ ...confirmation, alg: null })],
    ['jwk with alg HS256', 'refuse', withKey({ ...confirmation, alg: 'HS256' })],
    ['jwk with alg none', 'refuse', withKey({ ...confirmation, alg: 'none' })],
    ['jwk with alg RSA-OAEP', 'refuse', withKey(jwk(rsa, { alg: 'RSA-OAEP' }))],
    ['jwk with alg EdDSA', 'refuse', withKey(jwk(keyPair('Ed25519', 'bound'), { alg: 'EdDSA' }))],
    ['jwk with alg ES384 on P-256', 'refuse', withKey({ ...confirmation, alg: 'ES384' })],
    ['jwk with alg RS256 on P-256', 'refuse', withKey({ ...confirmation, alg: 'RS256' })],
    ['jwk with a private member', 'refuse', withKey(privateJwk(bound, { alg: 'ES256' }))],
    ['jwk symmetric', 'refuse', withKey({ kty: 'oct', k: segment('a secret of thirty-two letters..'), alg: 'ES256' })],
    ['jwk RSA of 1024 bits', 'refuse', withKey(jwk(keyPair('RSA-1024', 'bound'), { alg: 'RS256' }))],
    ['jwk RSA with exponent 1', 'refuse', withKey(jwk(rsa, { alg: 'RS256', e: 'AQ' }))],
    ['jwk with a zero in front of the RSA modulus', 'refuse', withKey(zeroInFront(rsa))],
    ['jwk on secp256k1', 'refuse', withKey(jwk(keyPair('secp256k1', 'bound'), { alg: 'ES256' }))],
    ['jwk off its curve', 'refuse', withKey({ ...confirmation, x: 'A'.repeat(43), y: `${'A'.repeat(42)}E` })],
    ['jwk with a short coordinate', 'refuse', withKey({ ...confirmation, x: 'AAAA' })],
    ['jwk with a zero in front of a coordinate', 'refuse', withKey({ ...confirmation, x: `AAAA${x}` })],
    ['jwk with padding', 'refuse', withKey({ ...confirmation, x: `${x}=` })],
    ['jwk for encryption', 'refuse', withKey({ ...confirmation, use: 'enc' })],
    ['jwk for signatures', 'accept', withKey({ ...confirmation, use: 'sig', kid: 'x' })],
    ['a member of jwk twice', 'refuse', maker.made({ payload: maker.payload.replace('"crv"', '"x":"AAAA","crv"') })],
  ];
}

/** WIT-SVID section 6. */
function bundles(maker: TokenMaker): readonly Row[] {
  const marked = (use: string): string => maker.bundle(maker.keys, { use });
  const unmarked = jwks(jwk(maker.keys, { kid: 'k' }));
  return [
    ['a key without use', 'accept', maker.against(unmarked)],
    ['a key marked jwt-svid', 'refuse', maker.against(marked('jwt-svid'))],
    ['a bundle document, key marked wit-svid', 'accept', maker.against(marked('wit-svid'), 'spiffe')],
    ['a bundle document, key marked jwt-svid', 'refuse', maker.against(marked('jwt-svid'), 'spiffe')],
    ['a bundle document, key without use', 'refuse', maker.against(unmarked, 'spiffe')],
    ['no bundles', 'refuse', { token: maker.make(), bundles: {} }],
  ];
}

function zeroInFront(pair: KeyPair): object {
  const key = jwk(pair, { alg: 'RS256' }) as { readonly n: string };
  return { ...key, n: segment(Buffer.concat([Buffer.alloc(1), Buffer.from(key.n, 'base64url')])) };
}
