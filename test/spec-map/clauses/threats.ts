import { type Clause, type SpecDocument, type TestRef, testsIn } from '../spec-map.js';
import { signatureThreats } from './signature-threats.js';
import { row } from './threat-row.js';

const wit = testsIn('wit/verify-wit');
const wimse = testsIn('wit/draft-ietf-wimse-workload-creds-02');
const spiffe = testsIn('wit/wit-svid-standard');
const cnf = testsIn('wit/confirmation-key');
const mintWit = testsIn('wit/mint-wit');
const jwt = testsIn('jwt-svid/jwt-svid-standard');
const mintJwt = testsIn('jwt-svid/mint-jwt-svid');
const wpt = testsIn('wpt/verify-wpt');
const mintWpt = testsIn('wpt/mint-wpt');
const read = testsIn('wpt/read-wpt-request');
const audience = testsIn('wpt/audience');
const older = testsIn('wpt/draft-ietf-wimse-wpt-01');
const newer = testsIn('wpt/draft-ietf-wimse-wpt-02');
const http = testsIn('http/request-authenticator');
const refusal = testsIn('http/refusal');
const jws = testsIn('internal/jws-algorithm');
const compact = testsIn('internal/compact-jws');
const json = testsIn('internal/json');
const jwk = testsIn('internal/jwk');
const base64 = testsIn('internal/base64url');
const date = testsIn('internal/numeric-date');
const certificate = testsIn('internal/certificate');
const keys = testsIn('bundle/key-bundle');
const document = testsIn('bundle/spiffe-trust-domain-and-bundle');
const set = testsIn('bundle/bundle-set');
const path = testsIn('x509-svid/path');
const tls = testsIn('tls/verified-peers');
const id = testsIn('id/spiffe-id');
const wimseId = testsIn('id/draft-ietf-wimse-identifier-03');
const authorizer = testsIn('id/authorizer');
const store = testsIn('replay/memory-replay-store');

function minter(at: string, text: string, ...tests: readonly (readonly TestRef[])[]): Clause {
  return { ...row(at, text, ...tests), binds: 'minter' };
}

/** What a verifier must withstand. Tests of a row have titles that begin with `threat`, its number and a colon. */
export const threats: SpecDocument = {
  name: 'threat',
  revision: 'our own list',
  clauses: [
    row(
      '1 a',
      '`none` in any case is refused before any key is looked up',
      wit('threat 1: alg "none"*', 'threat 1: alg "None"*'),
      jwt('threat 1: alg "none"*', 'threat 1: alg "None"*'),
    ),
    row(
      '1 b',
      'HS256 with the bytes of a public key is refused',
      jwt('threat 1: an HMAC keyed with the public key is refused'),
      wit('threat 1: alg "HS256"*'),
      jws('threat 1: never takes a secret or a private key for a public one'),
    ),
    row(
      '1 c',
      'an unknown algorithm is refused by the list of its profile',
      wit('threat 1: alg*'),
      jwt('threat 1: alg*'),
      compact('threat 1: *'),
      jws('threat 1: knows its own names*'),
    ),
    row(
      '2 a',
      'an algorithm with a key of another type or curve',
      wit('threat 2: ES256 with a*'),
      jwt('threat 2: ES256 with a*'),
      jws('threat 2: *'),
      path('threat 2: *'),
    ),
    row(
      '2 b',
      'a PS256 token on an RS256 key',
      wit('threat 2: the alg and key_ops of the bundle key bind'),
      jwt('threat 2: alg, key_ops and padding of the bundle key bind'),
      jws('threat 2: no RSA signature passes*'),
    ),
    row(
      '2 c',
      '`alg`, `use` and `key_ops` of a bundle key bind',
      wit('threat 2: the alg and key_ops of the bundle key bind'),
      jws('threat 2: heeds alg and key_ops of the JWK, by exact text'),
      keys('threat 9: *'),
    ),
    row('3 a', 'the proof has another algorithm than `cnf.jwk.alg`, compared as text', wpt('threat 3: *')),
    row(
      '3 b',
      '`cnf.jwk.alg` does not fit the key',
      cnf('threat 3: cnf_alg_mismatch*', 'threat 3: a key that may not verify is refused'),
    ),
    row(
      '3 c',
      '`cnf.jwk.alg` is missing, no text, `none`, symmetric or for encryption; codes differ',
      cnf('threat 3: missing_cnf_alg*', 'threat 3: unsupported_cnf_alg*'),
    ),
    row('4 a', '`cnf` is absent, no object, or without a `jwk`', cnf('threat 4: missing_cnf*', 'threat 4: bad_cnf*')),
    row('4 b', '`cnf` points elsewhere (jku, x5u, kid, jwe); nothing is followed', cnf('threat 4: bad_cnf*')),
    row(
      '4 c',
      'the key is private or symmetric',
      cnf('threat 4: a member*', 'threat 4: a symmetric key is refused'),
      jwk('threat 4: refuses private and symmetric members, wherever they are'),
    ),
    row(
      '4 d',
      'only public members are taken',
      cnf('is accepted with the members that matter, and others that do not'),
      jwk('threat 4: refuses what is not one JWK'),
    ),
    row(
      '5 a',
      'RSA under 2048 or over 8192 bits, exponent 1 or even, modulus 1',
      jwk('threat 5: refuses RSA keys that are weak or costly*'),
      certificate('threat 5: weak and malformed public keys > RSA by size and exponent'),
    ),
    row(
      '5 b',
      'EC point off its curve, coordinates of another length or padded',
      jwk(
        'threat 5: refuses a point off*',
        'threat 5: refuses P-*',
        'threat 5: refuses points of another curve of the same length',
      ),
      certificate('threat 5: weak and malformed public keys > *'),
    ),
    row(
      '5 c',
      'Ed25519 of small order or not canonical',
      jwk(
        'threat 5: refuses every Ed25519 point of small order, in every encoding',
        'threat 5: refuses an Ed25519 y that is not reduced',
        'threat 5: refuses Ed25519 keys of another length',
      ),
    ),
    row('5 d', 'X25519 and secp256k1', jwk('threat 5: refuses key types and curves that no profile needs')),
    row(
      '5 e',
      'also in `cnf`, in bundles and on certificates',
      cnf('threat 5: *'),
      keys('threat 5: *'),
      testsIn('bundle/x509-bundle')('threat 5: *'),
      testsIn('x509-svid/leaf-rules')('threat 5: *'),
      path('threat 5: *'),
    ),
    row(
      '6 a',
      'a token that its sender signed, with its key in the header',
      wit('threat 6: key material in the header is never used'),
      jwt('threat 6: *'),
      wpt('threat 6: only the key in the WIT counts'),
    ),
    row(
      '7 a',
      'a subject in another trust domain than the key that signed, whatever the kid',
      wit('threat 7: a trust domain never speaks for another, whatever the kid'),
      jwt('threat 7: *'),
      path('threat 7: *'),
      tls('threat 7: *'),
    ),
    row(
      '7 b',
      'a subject of another scheme',
      wit('threat 7: nor does a scheme speak for another'),
      set('threat 7: *'),
      wimseId('threat 7: *'),
    ),
    row(
      '7 c',
      'a source or message that gives the bundle of another trust domain',
      wit('threat 7: a source that gives the bundle of another trust domain is misuse'),
      testsIn('workload-api/messages')('threat 7: *'),
      path('a source that gives the bundle of another domain is not believed'),
    ),
    row(
      '8 a',
      'one kid in two trust domains, or for JWT and WIT',
      set('threat 8: one kid in two trust domains and two kinds stays four keys'),
      document('threat 8: *'),
    ),
    row(
      '8 b',
      'one kid twice in a bundle',
      keys('threat 8: refuses a bundle with a duplicate kid, also for the same key'),
    ),
    row('8 c', 'no kid', spiffe('2.1: kid is mandatory'), wimse('threat 8: without kid there must be exactly one key')),
    row(
      '8 d',
      'kid `__proto__`, another case, no text',
      keys('threat 8: finds a kid byte for byte, and never on a prototype'),
      wit('threat 8: kid*'),
      jwt('threat 8: *'),
    ),
    row(
      '9 a',
      'a key for JWT-SVIDs used for a WIT, and back',
      wit('threat 9: keys for other uses do not verify a WIT'),
      jwt('threat 9: the keys of other uses*'),
      keys('threat 9: *'),
      document('threat 9: *'),
    ),
    row(
      '9 b',
      'a key for X.509-SVIDs used for a token',
      keys('threat 9: ignores the keys of another kind of SVID'),
      document('threat 9: never mixes the keys of the kinds of SVID'),
    ),
    row(
      '9 c',
      'a key of unknown use is ignored',
      keys('SPIFFE Trust Domain and Bundle section 4.1.3: ignores unknown types, curves and uses'),
      testsIn('workload-api/messages')('threat 9: *'),
    ),
    row(
      '10 a',
      'a JWT-SVID, an id token or an SD-JWT in place of a WIT; absent, array, older names',
      wit('threat 10: typ*'),
      testsIn('workload-api/messages')('threat 10: *'),
    ),
    row('10 b', 'a WIT or WPT in place of a JWT-SVID', jwt('threat 10: typ*')),
    row(
      '10 c',
      'a WIT in place of a WPT and back',
      wpt('threat 10: a WIT is no proof, a proof no WIT', 'threat 10: typ*'),
    ),
    row(
      '10 d',
      'profile `spiffe` takes `wit+jwt` alone; `wimse` takes the media type in any case',
      spiffe('threat 10: 2.2: typ*'),
      wimse('threat 10: typ*'),
      wpt('threat 10: typ "Application/Wpt+Jwt" is one'),
    ),
    minter(
      '10 e',
      'the short form is what is minted',
      mintWit('gives the token that WIT-SVID section 4 asks for'),
      older('a proof minted here has the members of the published one, in its order'),
    ),
    row('11 a', 'a WIT as bearer token, or without proof', http('threat 11: *'), read('threat 11: *')),
    row(
      '11 b',
      'no function gives an identity for a WIT alone, except by a name that says so',
      wit('threat 11: *'),
      wpt('threat 11: *'),
      testsIn('internal/unproven')('threat 11: what a token says before a proof*'),
    ),
    row(
      '12 a',
      'an audience from Host, X-Forwarded-Host, an absolute-form target or `:authority`',
      http('threat 12: *'),
      wpt('threat 12: *'),
    ),
    row(
      '12 b',
      'comparison: lower-case scheme and host, no default port, `/` for an empty path, no query; nothing decoded',
      audience('threat 12: *'),
    ),
    row('13 a', '`aud` is an array, a number, empty, with a trailing slash or a query', audience('threat 13: aud*')),
    row(
      '13 b',
      'several audiences only where that is asked for',
      audience('threat 13: several audiences are accepted where that was asked for, if one is ours'),
    ),
    row('14 a', 'the hash of another WIT of the same key', wpt('threat 14: *')),
    row(
      '14 b',
      'a hash that is padded, hexadecimal, missing, or of the WIT written otherwise',
      wpt('threat 14: wth is the hash of this WIT and no other, in one spelling'),
    ),
    row(
      '15 a',
      '`ath` or `tth` without its token, a token without its hash',
      wpt('threat 15: *'),
      http('threat 15: *'),
      older('threat 15: *'),
      newer('threat 15: *'),
    ),
    row('15 b', 'two Authorization fields; the DPoP scheme', http('threat 15: *'), read('threat 15: Authorization*')),
    row(
      '16 a',
      '`oth` with an unknown entry, or one for an absent field',
      wpt('threat 16: oth_without_token: *', 'threat 16: oth is refused whole*'),
    ),
    row('16 b', '`oth` in upper case, with no text, as text, list or null, too long', wpt('threat 16: bad_oth: *')),
    row(
      '16 c',
      '`oth` with `__proto__` or `constructor`',
      wpt('threat 16: an entry called __proto__*', 'threat 16: oth_without_token: oth {"constructor"*'),
      read('threat 16: *'),
    ),
    row(
      '16 d',
      'a field with a covered token that comes twice',
      read('threat 30: X-User twice is refused, even with the same value'),
      http('threat 30: when Txn-Token or a further token is there twice'),
    ),
    row('16 e', 'a token that is not covered decides nothing', wpt('threat 16: a token that came along uncovered*')),
    row(
      '17 a',
      'a proof used again',
      wpt('threat 17: a proof is accepted once'),
      store('threat 17: admits a key once'),
    ),
    row(
      '17 b',
      'a proof used several times at once',
      wpt('threat 17: of twenty at once one is accepted'),
      store('threat 17: of a hundred inserts at once one is fresh'),
      http('threat 17: *'),
    ),
    row('18 a', 'only what was proven is stored', wpt('threat 18: only what held is remembered')),
    row(
      '18 b',
      'keys are short; one sender has a quota; the whole has a limit',
      wpt('threat 18: an entry is kept*'),
      store('threat 18: one sender cannot take the place of the others', 'threat 18: refuses when full*'),
    ),
    row(
      '18 c',
      'when full, refuse; never forget a live entry',
      store('threat 18: *'),
      wpt('threat 18: a full store in memory refuses*', 'threat 18: a verdict of*'),
    ),
    row(
      '18 d',
      'an entry lives as long as its proof could be accepted, leeway included',
      wpt('threat 18: an entry is kept until*', 'threat 18: a proof from a clock that is ahead cannot be used twice'),
    ),
    row(
      '18 e',
      'expiry costs no more than what expires',
      store('a long pause costs no more than the entries it expires'),
    ),
    row('19 a', '`jti` is empty, missing, no text, or over 256 bytes', wpt('threat 19: jti*', 'threat 19: 256 bytes*')),
    row('19 b', 'one `jti` of two senders', wpt('threat 19: one workload cannot burn the jti of another*')),
    row(
      '19 c',
      'one `jti` again after its time',
      store('threat 19: an entry is kept to its last millisecond and forgotten within a second after'),
    ),
    row('20 a', 'the same proof with another signature or encoding', wpt('threat 20: *')),
    row(
      '21 a',
      'high s is accepted',
      jws('threat 21: ES256 accepts high s*', 'threat 21: ES384 accepts high s*', 'threat 21: ES512 accepts high s*'),
      wimse('the published example verifies, high s and all'),
    ),
    row(
      '21 b',
      'the DER form, another length, r or s of 0 or out of range',
      jws('threat 21: *'),
      path('threat 21: malformed ECDSA signatures'),
    ),
    row(
      '22 a',
      'Ed25519 with S of the order or more, R or key of small order',
      jws('threat 22: *'),
      jwk('threat 22: *'),
    ),
    row(
      '23 a',
      '`exp` missing, text, fraction, negative, 1e999, beyond 2^53',
      wit('threat 23: exp*'),
      jwt('threat 23: exp*'),
      wpt('threat 23: exp*'),
      date('threat 23: *'),
      json('threat 23: *'),
    ),
    row(
      '23 b',
      '`exp` is now',
      wit('threat 23: exp 1e999 is refused, and now is too late without leeway'),
      jwt('threat 24: exp at 0 s from now*'),
    ),
    row(
      '23 c',
      '`exp` is far in the future',
      wpt('threat 23: a proof lives for five minutes at most*'),
      wit('threat 23: the life of a WIT can be capped'),
      older('threat 23: *'),
    ),
    row('24 a', 'leeway 30 s for WITs, 10 s for proofs', wit('threat 24: *'), wpt('threat 24: *'), jwt('threat 24: *')),
    row(
      '24 b',
      '`nbf` in the future refuses, `iat` does not',
      wit('threat 24: *'),
      spiffe('3.5: nbf is enforced*'),
      jwt('threat 24: nbf in the future refuses*'),
    ),
    row(
      '24 c',
      'the replay store has the same leeway and clock',
      wpt('threat 18: an entry is kept until*'),
      store('threat 18: a clock that is set back*'),
    ),
    row(
      '25 a',
      '20 MB of token; limits come before decoding',
      compact('threat 25: *'),
      wit('threat 25: *'),
      jwt('threat 25: *'),
      wpt('threat 25: *'),
    ),
    row('25 b', 'JSON nested 6000 deep, or with too many members', json('threat 25: *')),
    row(
      '25 c',
      'documents and certificates of any size',
      keys('threat 25: *'),
      testsIn('internal/der')('threat 25: *'),
      certificate('threat 25: *'),
      testsIn('x509-svid/hostile')('threat 25: *'),
    ),
    row(
      '26 a',
      'base64url with padding, white space, the other alphabet, set trailing bits, impossible length',
      base64('threat 26: *'),
      compact(
        'threat 26: refuses padding*',
        'threat 26: refuses white space*',
        'threat 26: refuses the other alphabet*',
      ),
    ),
    row(
      '26 b',
      'an empty segment; two, four or five segments; the JSON serialisation',
      compact('threat 26: *'),
      wit('threat 29: a detached payload and the form of a JWE are refused'),
    ),
    row(
      '27 a',
      'a member written twice, at any depth',
      json('threat 27: refuses a duplicate member*'),
      compact('threat 27: *'),
      wit('threat 27: *'),
    ),
    row('27 b', '`__proto__`', json('threat 27: refuses __proto__*'), wpt('threat 16: an entry called __proto__*')),
    row(
      '27 c',
      'BOM, invalid UTF-8, NUL, lone surrogates',
      json('threat 27: refuses a byte order mark*'),
      compact('threat 27: refuses claims that are not an object, and bytes that are not UTF-8'),
    ),
    row('27 d', 'claims that are no object', json('threat 27: refuses claims that are not an object')),
    row(
      '28 a',
      '`crit` in any form',
      compact('threat 28: *'),
      wit('threat 28: *'),
      jwt('threat 28: *'),
      wpt('threat 28: *'),
    ),
    row(
      '29 a',
      'JWE, nested, `zip`, `cty`, detached payload',
      compact('threat 29: *'),
      wit('threat 29: *'),
      jwt('threat 29: *'),
      wpt('threat 29: *'),
    ),
    row('30 a', 'a field with a token twice', read('threat 30: *'), http('threat 30: *')),
    row(
      '30 b',
      'values joined with a comma',
      read('threat 30: values that a proxy joined with a comma are refused'),
      newer('threat 30: *'),
      http('threat 30: when Workload-Identity-Token holds two values'),
    ),
    row('31 a', '`iss` and `jwks_uri` lead to no keys', wit('threat 31: *'), jwt('threat 31: *'), wit('threat 6: *')),
    row(
      '32 a',
      'a percent-encoded twin, dot segments',
      id('threat 32: *'),
      wimseId('threat 32: *'),
      testsIn('x509-svid/leaf-rules')('threat 32: identifiers in a subject alternative name*'),
      wit('threat 32: sub*'),
      certificate('threat 32: *'),
    ),
    row(
      '32 b',
      'a sibling with the same beginning; the same path in another domain or scheme',
      authorizer('threat 32: *'),
      wpt('threat 32: *'),
      tls('threat 32: *'),
    ),
    row('32 c', 'an empty policy', authorizer('threat 32: an empty policy root*')),
    row(
      '33 a',
      'no authorizer',
      wpt('threat 33: {*'),
      tls('threat 33: there is no agent and no server without an authorizer'),
      testsIn('tls/undici-connector')('threat 33: *'),
      http('threat 33: createRequestAuthenticator with*'),
    ),
    row(
      '33 b',
      'an authorizer that answers something like true, or throws',
      wpt('threat 33: an answer of*', 'threat 33: one that throws*'),
      tls('threat 33: when the authorizer throws*'),
    ),
    row(
      '33 c',
      'admitting everybody must be spelled out',
      authorizer('threat 33: admitting everybody must be spelled out'),
    ),
    ...signatureThreats,
    row('44 a', 'nothing of a WIT is used before its signature holds', wit('threat 44: *'), wpt('threat 44: *')),
    row(
      '44 b',
      'nobody is asked and nothing is stored before both hold',
      http('threat 44: *'),
      wpt('is asked after everything else held, and before the proof is remembered'),
    ),
    row(
      '45 a',
      'two proofs at once',
      read('threat 45: proofs in the forms*', 'threat 45: a WIMSE HTTP signature next to a proof*'),
      http('threat 45: when it carries*'),
    ),
    row(
      '45 b',
      'a WIT in the query or in a trailer',
      http('threat 45: a WIT in the query or in a trailer*'),
      read('threat 45: a token from anywhere but these headers does not count'),
    ),
    row('46 a', 'an answer that tells the sender which rule refused', http('threat 46: *'), refusal('threat 46: *')),
    row('46 b', 'errors that hold parts of a token', wit('threat 46: *'), jwt('threat 46: *'), wpt('threat 46: *')),
    row('46 c', 'hashes are compared in constant time', testsIn('wpt/constant-time')('threat 46: *')),
    minter(
      '47 a',
      'EdDSA in profile `spiffe`; no algorithm in `cnf`',
      mintWit('threat 47: unsupported_alg*', 'threat 47: unsupported_cnf_alg*', 'threat 47: cnf_alg_mismatch*'),
      testsIn('issuer/tokens')('threat 47: *'),
    ),
    minter('47 b', 'a private key in `cnf`', mintWit('threat 47: no private member reaches cnf')),
    minter('47 c', '`aud` in a WIT', mintWit('threat 47: aud_present*')),
    minter(
      '47 d',
      'a proof that lives too long, or beyond its WIT; a short `jti`',
      mintWpt('threat 47: a proof lives*', 'threat 47: every jti*', 'threat 47: must be the one in the WIT*'),
    ),
    minter(
      '47 e',
      'a subject that is no identifier',
      mintWit('threat 47: bad_sub*', 'threat 47: wrong_scheme*', 'threat 47: bad_trust_domain*'),
      mintJwt('threat 47: bad_sub*'),
    ),
    minter(
      '47 f',
      'one key for two identifiers',
      mintWit('threat 47: a key of one workload is not put into the WIT of another'),
    ),
  ],
  others: [],
};
