import { type SpecDocument, testsIn } from '../spec-map.js';

const standard = testsIn('wit/wit-svid-standard');
const verify = testsIn('wit/verify-wit');
const cnf = testsIn('wit/confirmation-key');
const mint = testsIn('wit/mint-wit');
const issuer = testsIn('issuer/tokens');
const document = testsIn('bundle/spiffe-trust-domain-and-bundle');
const keys = testsIn('bundle/key-bundle');
const proof = testsIn('wpt/verify-wpt');
const http = testsIn('http/request-authenticator');
const fetching = testsIn('http/proving-fetch');

const MINTED = 'gives the token that WIT-SVID section 4 asks for';
const UNKNOWN = '3.8: claims that nobody knows are passed over, and so are header parameters (2.4)';
const SUPPORTED = '2.3 and 3.2: *';

export const witSvid: SpecDocument = {
  name: 'WIT-SVID',
  revision: 'incubating, July 2026',
  clauses: [
    {
      ...{ at: '2.1 a', level: 'MUST', binds: 'verifier' },
      text: 'There is a `kid`.',
      tests: standard('2.1: kid is mandatory'),
    },
    {
      ...{ at: '2.1 b', level: 'MUST', binds: 'verifier' },
      text: '`kid` is a string whose case counts.',
      tests: verify('threat 8: kid*'),
    },
    {
      ...{ at: '2.1 c', level: 'MUST', binds: 'minter' },
      text: 'Each signing key has a `kid` of its own.',
      tests: testsIn('issuer/rotation')('WIT-SVID section 2.1: every key has a kid of its own'),
    },
    {
      ...{ at: '2.2 a', level: 'MUST', binds: 'verifier' },
      text: '`typ` is there and is `wit+jwt`, letter by letter.',
      tests: [...standard('threat 10: 2.2: typ*'), ...verify('threat 10: typ*')],
    },
    {
      ...{ at: '2.3 a', level: 'MUST', binds: 'verifier' },
      text: '`alg` is there; each of RS, ES and PS with 256, 384 and 512 is supported.',
      tests: standard(SUPPORTED),
    },
    {
      ...{ at: '2.3 b', level: 'MUST', binds: 'verifier' },
      text: 'Another algorithm is refused.',
      tests: [
        ...verify('threat 1: alg*'),
        ...standard('2.3 and 3.2: EdDSA is refused*', '2.3 and 3.2: Ed25519 is refused*'),
      ],
    },
    {
      ...{ at: '2.4 a', level: 'SHOULD NOT', binds: 'minter' },
      text: 'The header has no further parameters.',
      tests: mint(MINTED),
    },
    {
      ...{ at: '2.4 b', level: 'SHOULD', binds: 'verifier' },
      text: 'Unknown header parameters are ignored, except where `crit` names them.',
      tests: [...standard(UNKNOWN), ...verify('threat 28: *')],
    },
    {
      ...{ at: '3.1 a', level: 'MUST', binds: 'verifier' },
      text: '`sub` is there and is the SPIFFE ID of a workload.',
      tests: [...standard('3.1: the subject is a SPIFFE ID'), ...verify('threat 32: sub*')],
    },
    {
      ...{ at: '3.2 a', level: 'MUST', binds: 'verifier' },
      text: 'A WIT without `cnf` is refused.',
      tests: cnf('threat 4: missing_cnf*'),
    },
    {
      ...{ at: '3.2 b', level: 'MUST', binds: 'verifier' },
      text: '`cnf` has the structure of RFC 7800: one public `jwk`.',
      tests: cnf('threat 4: *', 'threat 5: weak and malformed keys are refused', 'is accepted with the members*'),
    },
    {
      ...{ at: '3.2 c', level: 'MUST', binds: 'verifier' },
      text: '`cnf.jwk.alg` is one of the supported algorithms.',
      tests: [...cnf('threat 3: *'), ...standard(SUPPORTED)],
    },
    {
      ...{ at: '3.3 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'The `jti` of a WIT plays no part in replay protection.',
      tests: proof('WIT-SVID section 3.3: one WIT proves many requests, whatever its jti'),
    },
    {
      ...{ at: '3.4 a', level: 'MUST', binds: 'verifier' },
      text: 'A WIT without `exp` is refused.',
      tests: verify('threat 23: exp undefined is refused', 'threat 23: exp null is refused'),
    },
    {
      ...{ at: '3.4 b', level: 'MUST', binds: 'verifier' },
      text: 'A WIT whose `exp` is past is refused; the leeway is small.',
      tests: verify(
        'threat 24: the default leeway is 30 s; nbf is enforced; iat limits nothing',
        'threat 23: exp 1e999 is refused, and now is too late without leeway',
        'misuse is a TypeError',
      ),
    },
    {
      ...{ at: '3.5 a', level: 'MUST', binds: 'verifier' },
      text: 'A WIT whose `nbf` is in the future is refused.',
      tests: standard('3.5: nbf is enforced; 3.6: iat in the future limits nothing'),
    },
    {
      ...{ at: '3.6 a', level: 'MUST NOT', binds: 'verifier' },
      text: '`iat` does not limit the validity.',
      tests: standard('3.5: nbf is enforced; 3.6: iat in the future limits nothing'),
    },
    {
      ...{ at: '3.7 a', level: 'SHOULD NOT', binds: 'minter' },
      text: '`iss` is nothing that OpenID Connect Discovery could follow.',
      tests: mint('threat 47: bad_iss, as a verifier would say'),
    },
    {
      ...{ at: '3.8 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'There is no `aud`, in whatever form.',
      tests: standard('3.8: aud*'),
    },
    {
      ...{ at: '3.8 b', level: 'MUST NOT', binds: 'minter' },
      text: 'There is no `aud`.',
      tests: mint('threat 47: aud_present, as a verifier would say', MINTED),
    },
    {
      ...{ at: '3.8 c', level: 'SHOULD', binds: 'verifier' },
      text: 'Claims that are not known are ignored.',
      tests: standard(UNKNOWN),
    },
    {
      ...{ at: '4 a', level: 'MUST', binds: 'minter' },
      text: 'The token is signed with a permitted algorithm.',
      tests: mint('threat 47: unsupported_alg, as a verifier would say', 'ES256: *', 'RS256: *', 'PS256: *'),
    },
    {
      ...{ at: '4 b', level: 'MUST', binds: 'minter' },
      text: '`alg`, `typ` and `kid` are set.',
      tests: mint(MINTED, 'threat 47: missing_kid, as a verifier would say'),
    },
    {
      ...{ at: '4 c', level: 'MUST', binds: 'minter' },
      text: '`sub`, `exp` and `cnf` are set.',
      tests: [...mint(MINTED), ...issuer('have the form of the WIT-SVID standard, as jose sees it')],
    },
    {
      ...{ at: '4 d', level: 'MUST', binds: 'minter' },
      text: '`cnf.jwk.alg` is set to a permitted algorithm.',
      tests: [
        ...mint(MINTED, 'threat 47: unsupported_cnf_alg, as a verifier would say'),
        ...issuer('threat 47: are not made for an algorithm that the profile refuses'),
      ],
    },
    {
      ...{ at: '4 e', level: 'MUST NOT', binds: 'verifier' },
      text: 'A WIT is not accepted without proof of possession.',
      tests: [
        ...verify('threat 11: *'),
        ...proof('threat 11: nobody makes an UnprovenWit but verifyWit'),
        ...http('threat 11: a WIT alone is no credential'),
      ],
    },
    {
      ...{ at: '5 a', level: 'MUST', binds: 'client' },
      text: 'A WIT is presented with a proof of possession of the key in `cnf`.',
      tests: [...fetching('proves every request afresh'), ...testsIn('wpt/mint-wpt')('threat 47: must be the one in*')],
    },
    {
      ...{ at: '5 b', level: 'MUST NOT', binds: 'client' },
      text: 'A WIT does not travel as a bearer token or in Authorization.',
      tests: testsIn('http/wit-svid-standard')(
        'section 5: the WIT travels in its own field and never in Authorization*',
      ),
    },
    {
      ...{ at: '5 c', level: 'MUST NOT', binds: 'verifier' },
      text: 'A WIT in Authorization is no credential.',
      tests: [
        ...http('threat 11: a WIT as bearer token is no credential', 'threat 11: a WIT twice over is no credential'),
        ...testsIn('wpt/read-wpt-request')('threat 11: a WIT in Authorization is no identity'),
      ],
    },
    {
      ...{ at: '5 d', level: 'SHOULD', binds: 'client' },
      text: 'One of the protocols of WIMSE is used.',
      tests: [
        ...testsIn('wpt/draft-ietf-wimse-wpt-02')('is the default, travels in Authorization, and verifies'),
        ...fetching('proves every request afresh'),
      ],
    },
    {
      ...{ at: '6.1 a', level: 'MUST', binds: 'minter' },
      text: 'A key in a bundle document has `use` `wit-svid`.',
      tests: document('writes what it reads back, use and kid included'),
    },
    {
      ...{ at: '6.1 b', level: 'MUST', binds: 'verifier' },
      text: 'No two JWT or WIT keys of a bundle document have one `kid`.',
      tests: document('threat 8: refuses one kid for two keys of the document, across JWT and WIT'),
    },
    {
      ...{ at: '6.1 c', level: 'MUST', binds: 'minter' },
      text: 'No two JWT or WIT keys of a bundle document have one `kid`.',
      tests: document('cannot be built of parts that do not belong together, or published without a kid'),
    },
    {
      ...{ at: '6.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Only keys whose `use` is `wit-svid` are taken from a bundle document.',
      tests: [
        ...verify('threat 9: keys for other uses do not verify a WIT'),
        ...document('threat 9: never mixes the keys of the kinds of SVID', 'section 4.2: ignores entries without use*'),
        ...keys('WIT bundle > threat 9: ignores the keys of another kind of SVID'),
      ],
    },
    {
      ...{ at: '7.1 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'A WIT-SVID is not taken for a JWT-SVID.',
      tests: testsIn('jwt-svid/jwt-svid-standard')('threat 10: typ "wit+jwt" is another kind of token'),
    },
    {
      ...{ at: '7.2 a', level: 'MUST', binds: 'client' },
      text: 'The life of a proof is limited.',
      tests: testsIn('wpt/mint-wpt')('threat 47: a proof lives for 300 s at most, and not beyond its WIT'),
    },
    {
      ...{ at: '7.2 b', level: 'SHOULD', binds: 'client' },
      text: 'The life of a proof is as short as its purpose allows.',
      tests: testsIn('wpt/mint-wpt')('says for whom, until when, and for which WIT'),
    },
    {
      ...{ at: '7.2 c', level: 'MUST', binds: 'verifier' },
      text: 'The life of a proof is limited.',
      tests: proof('threat 23: a proof lives for five minutes at most, unless told otherwise'),
    },
    {
      ...{ at: '7.3 a', level: 'MUST', binds: 'client' },
      text: 'WIT and proof travel over a secure channel.',
      tests: fetching('sends nothing that it cannot prove or must not send'),
    },
  ],
  others: [
    {
      ...{ at: '3.3 a', level: 'MUST', binds: 'who gives `mintWit` a `jti`; none is set otherwise' },
      text: 'A `jti` is not given to two tokens.',
    },
  ],
};
