import { segment } from '../../support/raw-token.js';
import type { TokenCase } from '../support/case.js';
import { jwk, jwks } from '../support/jwks.js';
import { keyPair } from '../support/keys.js';
import { withHighS } from '../support/tokens.js';
import { ALGORITHMS, AUDIENCE, DOMAIN, type Row, SUBJECT, TokenMaker } from './token-cases.js';
import { syntaxRows } from './token-syntax.js';

const header = { alg: 'ES256', kid: 'k', typ: 'JWT' };

/** JWT-SVIDs that are valid for two minutes from `now`, which is in seconds, and all that can be wrong with one. */
export function jwtCases(now: number): readonly TokenCase[] {
  const maker = new TokenMaker('jwt', header, { sub: SUBJECT, aud: [AUDIENCE], exp: now + 120, iat: now });
  return maker.cases([
    ['well made', 'accept', maker.made()],
    ...headers(maker),
    ...algorithms(maker),
    ...signatures(maker),
    ...subjects(maker),
    ...audiences(maker),
    ...times(maker, now),
    ...claims(maker),
    ...syntaxRows(maker),
    ...bundles(maker),
  ]);
}

/** JWT-SVID sections 2, 2.2 and 2.3. */
function headers(maker: TokenMaker): readonly Row[] {
  const { kid: _kid, ...withoutKid } = header;
  const { typ: _typ, ...withoutTyp } = header;
  const { otherKeys } = maker;
  const without = maker.make({ header: withoutKid });
  return [
    ['typ JOSE', 'accept', maker.withHeader({ typ: 'JOSE' })],
    ['no typ', 'accept', maker.made({ header: withoutTyp })],
    ['typ in lower case', 'refuse', maker.withHeader({ typ: 'jwt' })],
    ['typ invalid', 'refuse', maker.withHeader({ typ: 'invalid' })],
    ['typ of a WIT', 'refuse', maker.withHeader({ typ: 'wit+jwt' })],
    ['typ of a proof', 'refuse', maker.withHeader({ typ: 'wpt+jwt' })],
    ['typ of an access token', 'refuse', maker.withHeader({ typ: 'at+jwt' })],
    ['typ with application/', 'refuse', maker.withHeader({ typ: 'application/JWT' })],
    ['typ empty', 'refuse', maker.withHeader({ typ: '' })],
    ['typ null', 'refuse', maker.withHeader({ typ: null })],
    ['typ a list', 'refuse', maker.withHeader({ typ: ['JWT'] })],
    ['no kid and one key', 'accept', { token: without }],
    [
      'no kid and two keys',
      'accept',
      { token: without, bundles: { [DOMAIN]: jwks(jwk(otherKeys, { kid: 'o' }), jwk(maker.keys, { kid: 'k' })) } },
    ],
    ['no kid and only other keys', 'refuse', maker.made({ header: withoutKid, key: otherKeys.privateKey })],
    ['an empty kid', 'refuse', maker.withHeader({ kid: '' })],
    ['a kid that is a number', 'refuse', maker.withHeader({ kid: 1 })],
    ['an unknown kid', 'refuse', maker.withHeader({ kid: 'noKey' })],
    ['a kid in other case', 'refuse', maker.withHeader({ kid: 'K' })],
    ['a kid that every object has', 'refuse', maker.withHeader({ kid: '__proto__' })],
    ['a key that its set has without kid', 'refuse', maker.against(jwks(jwk(maker.keys)))],
    ['a header parameter besides', 'refuse', maker.withHeader({ x5t: 'AAAA' })],
    [
      'a key in the header',
      'refuse',
      maker.made({ header: { ...header, jwk: jwk(otherKeys) }, key: otherKeys.privateKey }),
    ],
    [
      'the address of keys in the header',
      'refuse',
      maker.made({ header: { ...header, jku: 'https://evil.example/jwks' }, key: otherKeys.privateKey }),
    ],
    ['alg, and after it the same in other case', 'refuse', maker.withHeader({ ALG: 'RS256' })],
    ['cty JWT', 'refuse', maker.withHeader({ cty: 'JWT' })],
  ];
}

/** JWT-SVID section 2.1. */
function algorithms(maker: TokenMaker): readonly Row[] {
  const rsa = keyPair('RSA', 'signing');
  const withRsa = { bundles: { [DOMAIN]: maker.bundle(rsa) } };
  return [
    ...ALGORITHMS.map(([alg, name]): Row => [`${alg}`, 'accept', maker.signed(alg, name)]),
    ...ALGORITHMS.map(([alg, name]): Row => [`${alg}, as the key says`, 'accept', maker.signed(alg, name, { alg })]),
    ['alg none', 'refuse', maker.made({ header: { ...header, alg: 'none' }, alg: 'none' })],
    ['alg None', 'refuse', maker.made({ header: { ...header, alg: 'None' }, alg: 'none' })],
    ['alg none and a signature', 'refuse', maker.made({ header: { ...header, alg: 'none' }, alg: 'ES256' })],
    [
      'alg HS256 with the public key as secret',
      'refuse',
      { ...maker.made({ header: { ...header, alg: 'HS256' }, alg: 'HS256', key: rsa.privateKey }), ...withRsa },
    ],
    ['alg EdDSA', 'refuse', maker.signed('EdDSA', 'Ed25519')],
    ['alg Ed25519', 'refuse', maker.signed('Ed25519', 'Ed25519')],
    ['alg ES256K', 'refuse', maker.signed('ES256K', 'secp256k1')],
    ['alg RS1', 'refuse', maker.signed('RS1', 'RSA')],
    ['alg in lower case', 'refuse', maker.made({ header: { ...header, alg: 'es256' }, alg: 'ES256' })],
    ['alg missing', 'refuse', maker.made({ header: { kid: 'k', typ: 'JWT' }, alg: 'ES256' })],
    ['alg a list', 'refuse', maker.made({ header: { ...header, alg: ['ES256'] }, alg: 'ES256' })],
    ['ES256 with a key on P-384', 'refuse', maker.signed('ES256', 'P-384')],
    ['RS256 with a key on P-256', 'refuse', maker.made({ header: { ...header, alg: 'RS256' }, alg: 'ES256' })],
    ['RS256 with a key for PS256', 'refuse', maker.signed('RS256', 'RSA', { alg: 'PS256' })],
    ['ES256 with a key that may only encrypt', 'refuse', maker.signed('ES256', 'P-256', { key_ops: ['encrypt'] })],
    ['RSA of 1024 bits', 'refuse', maker.signed('RS256', 'RSA-1024')],
    [
      'PS256 with a salt of 20 octets',
      'refuse',
      {
        ...maker.made({ header: { ...header, alg: 'PS256' }, alg: 'PS256 with a short salt', key: rsa.privateKey }),
        ...withRsa,
      },
    ],
  ];
}

function signatures(maker: TokenMaker): readonly Row[] {
  const [head = '', body = '', signature = ''] = maker.make().split('.');
  const otherBody = segment({ ...maker.claims, sub: `${SUBJECT}2` });
  const rsa = keyPair('RSA', 'signing');
  return [
    ['signed by another key', 'refuse', maker.made({ key: maker.otherKeys.privateKey })],
    [
      'signed by a key of another type',
      'refuse',
      maker.made({ header: { ...header, alg: 'RS256' }, key: rsa.privateKey }),
    ],
    ['another payload', 'refuse', { token: `${head}.${otherBody}.${signature}` }],
    ['another header', 'refuse', { token: `${segment({ ...header, typ: 'JOSE' })}.${body}.${signature}` }],
    ['no signature', 'refuse', { token: `${head}.${body}.` }],
    ['a signature of zeros', 'refuse', maker.made({ bend: () => Buffer.alloc(64) })],
    ['a signature with a high s', 'accept', maker.made({ bend: withHighS })],
    ['a signature in DER', 'refuse', maker.made({ alg: 'ES256 in DER' })],
    ['an octet more', 'refuse', maker.made({ bend: (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]) })],
    ['an octet less', 'refuse', maker.made({ bend: (bytes) => bytes.subarray(0, 63) })],
  ];
}

/** JWT-SVID section 3.1. */
function subjects(maker: TokenMaker): readonly Row[] {
  const there = { sub: 'spiffe://b.test/w' };
  const federated = { [DOMAIN]: maker.bundle(maker.keys), 'b.test': maker.bundle(maker.otherKeys) };
  const key = maker.otherKeys.privateKey;
  return [
    ['no sub', 'refuse', maker.withClaims({ sub: undefined })],
    ['an empty sub', 'refuse', maker.withClaims({ sub: '' })],
    ['a sub that is a number', 'refuse', maker.withClaims({ sub: 1 })],
    ['a sub that is a list', 'refuse', maker.withClaims({ sub: [SUBJECT] })],
    ['a sub that is no identifier', 'refuse', maker.withClaims({ sub: 'invalid subject' })],
    ['a sub with an upper-case scheme', 'refuse', maker.withClaims({ sub: `SPIFFE://${DOMAIN}/workload` })],
    ['a sub with an upper-case trust domain', 'refuse', maker.withClaims({ sub: 'spiffe://Example.org/workload' })],
    ['a sub with dot segments', 'refuse', maker.withClaims({ sub: `spiffe://${DOMAIN}/a/../b` })],
    ['a sub with a line feed after it', 'refuse', maker.withClaims({ sub: `${SUBJECT}\n` })],
    ['a sub without path', 'refuse', maker.withClaims({ sub: `spiffe://${DOMAIN}` })],
    ['a sub of the wimse scheme', 'refuse', maker.withClaims({ sub: `wimse://${DOMAIN}/workload` })],
    ['a sub of a trust domain without bundle', 'refuse', maker.withClaims({ sub: 'spiffe://another.domain/host' })],
    ['a sub of a federated trust domain, signed here', 'refuse', { ...maker.withClaims(there), bundles: federated }],
    [
      'a sub of a federated trust domain, signed there',
      'accept',
      { ...maker.made({ payload: { ...maker.claims, ...there }, key }), bundles: federated },
    ],
    ['signed by a federated trust domain for here', 'refuse', { ...maker.made({ key }), bundles: federated }],
  ];
}

/** JWT-SVID section 3.2. */
function audiences(maker: TokenMaker): readonly Row[] {
  const expecting = (...audience: readonly string[]) => ({ ...maker.made(), audience });
  return [
    ['aud a text', 'accept', maker.withClaims({ aud: AUDIENCE })],
    ['aud of two', 'accept', maker.withClaims({ aud: ['https://other.example', AUDIENCE] })],
    ['one of two audiences that are expected', 'accept', expecting('https://other.example', AUDIENCE)],
    ['another audience', 'refuse', expecting('https://other.example')],
    ['an audience in other case', 'refuse', expecting(AUDIENCE.toUpperCase())],
    ['an audience with a slash more', 'refuse', expecting(`${AUDIENCE}/`)],
    ['no aud', 'refuse', maker.withClaims({ aud: undefined })],
    ['an empty aud list', 'refuse', maker.withClaims({ aud: [] })],
    ['an empty aud', 'refuse', maker.withClaims({ aud: '' })],
    ['aud null', 'refuse', maker.withClaims({ aud: null })],
    ['aud a number', 'refuse', maker.withClaims({ aud: 1 })],
    ['aud with a number besides', 'refuse', maker.withClaims({ aud: [AUDIENCE, 1] })],
    ['aud with an empty text besides', 'refuse', maker.withClaims({ aud: [AUDIENCE, ''] })],
    ['aud an object', 'refuse', maker.withClaims({ aud: { [AUDIENCE]: true } })],
  ];
}

/** JWT-SVID section 3.3; RFC 7519 sections 4.1.4 to 4.1.6. */
function times(maker: TokenMaker, now: number): readonly Row[] {
  const expiring = (text: string) => maker.made({ payload: maker.payload.replace(/"exp":\d+/, `"exp":${text}`) });
  return [
    ['no exp', 'refuse', maker.withClaims({ exp: undefined })],
    ['expired an hour ago', 'refuse', maker.withClaims({ exp: now - 3600 })],
    ['expired 90 seconds ago', 'refuse', maker.withClaims({ exp: now - 90 })],
    ['expired 35 seconds ago', 'refuse', maker.withClaims({ exp: now - 35 })],
    ['expired 15 seconds ago', 'accept', maker.withClaims({ exp: now - 15 })],
    ['exp zero', 'refuse', maker.withClaims({ exp: 0 })],
    ['exp negative', 'refuse', maker.withClaims({ exp: -1 })],
    ['exp a text', 'refuse', maker.withClaims({ exp: String(now + 120) })],
    ['exp null', 'refuse', maker.withClaims({ exp: null })],
    ['exp a list', 'refuse', maker.withClaims({ exp: [now + 120] })],
    ['exp with a fraction', 'refuse', maker.withClaims({ exp: now + 120.5 })],
    ['exp in exponent form', 'accept', expiring('4e9')],
    ['exp beyond every date', 'refuse', expiring('1e300')],
    ['exp beyond every number', 'refuse', expiring('1e999')],
    ['nbf in the past', 'accept', maker.withClaims({ nbf: now - 60 })],
    ['nbf in an hour', 'refuse', maker.withClaims({ nbf: now + 3600 })],
    ['nbf a text', 'refuse', maker.withClaims({ nbf: String(now) })],
    ['no iat', 'accept', maker.withClaims({ iat: undefined })],
    ['iat in an hour', 'accept', maker.withClaims({ iat: now + 3600 })],
    ['iat a text', 'accept', maker.withClaims({ iat: String(now) })],
  ];
}

function claims(maker: TokenMaker): readonly Row[] {
  const evil = '"spiffe://example.org/evil"';
  const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  return [
    ['further claims', 'accept', maker.withClaims({ iss: 'issuer', jti: '1', groups: ['a'], x: { y: [1, null] } })],
    ['a claim with the name of every prototype', 'refuse', maker.withText(`"__proto__":{"sub":${evil}}`)],
    ['a claim of U+0000', 'refuse', maker.withText('"x":"\\u0000"')],
    ['sub in other case', 'refuse', maker.made({ payload: maker.payload.replace('"sub"', '"Sub"') })],
    ['sub, and before it the same in other case', 'accept', maker.withText(`"SUB":${evil}`)],
    ['sub, and after it the same in other case', 'accept', maker.withClaims({ SUB: 'spiffe://example.org/evil' })],
    ['a payload nested 12 deep', 'accept', maker.withClaims({ x: nested(12) })],
    ['a payload nested 40 deep', 'refuse', maker.withClaims({ x: nested(40) })],
    ['a payload nested 6000 deep', 'refuse', maker.withText(`"x":${'['.repeat(6000)}${']'.repeat(6000)}`)],
    ['7 KB', 'accept', maker.withClaims({ x: 'x'.repeat(5000) })],
    ['30 KB', 'refuse', maker.withClaims({ x: 'x'.repeat(22_000) })],
  ];
}

/** JWT-SVID section 6. */
function bundles(maker: TokenMaker): readonly Row[] {
  const marked = (use: string): string => maker.bundle(maker.keys, { use });
  const unmarked = jwks(jwk(maker.keys, { kid: 'k' }));
  return [
    ['a key without use', 'accept', maker.against(unmarked)],
    ['a key marked wit-svid', 'refuse', maker.against(marked('wit-svid'))],
    ['a key marked x509-svid', 'refuse', maker.against(marked('x509-svid'))],
    ['a key marked for encryption', 'refuse', maker.against(marked('enc'))],
    ['a bundle document, key marked jwt-svid', 'accept', maker.against(marked('jwt-svid'), 'spiffe')],
    ['a bundle document, key marked wit-svid', 'refuse', maker.against(marked('wit-svid'), 'spiffe')],
    ['a bundle document, key without use', 'refuse', maker.against(unmarked, 'spiffe')],
    ['a set without keys', 'refuse', maker.against(jwks())],
    ['no bundles', 'refuse', { token: maker.make(), bundles: {} }],
  ];
}
