import { type SpecDocument, testsIn } from '../spec-map.js';

const verify = testsIn('jwt-svid/jwt-svid-standard');
const mint = testsIn('jwt-svid/mint-jwt-svid');
const issuer = testsIn('issuer/tokens');
const document = testsIn('bundle/spiffe-trust-domain-and-bundle');
const keys = testsIn('bundle/key-bundle');

const MINTED = 'gives a token that verifies, with the claims asked for';
const REFUSED = 'threat 47: *';

export const jwtSvid: SpecDocument = {
  name: 'JWT-SVID',
  revision: 'stable, July 2026',
  clauses: [
    {
      ...{ at: '1 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'The JSON serialisation is not used.',
      tests: verify('threat 29: a detached payload, a JWE and the JSON serialisation are refused'),
    },
    {
      ...{ at: '2 a', level: 'MUST NOT', binds: 'minter' },
      text: 'The header holds nothing but `alg`, `kid` and `typ`.',
      tests: mint(MINTED),
    },
    {
      ...{ at: '2 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'A header with more than the document describes is not accepted.',
      tests: verify('section 2: a header with any other parameter is refused: *'),
    },
    {
      ...{ at: '2.1 a', level: 'MUST', binds: 'minter' },
      text: 'The algorithm is one of RS, ES and PS with 256, 384 and 512.',
      tests: mint(REFUSED),
    },
    {
      ...{ at: '2.1 b', level: 'MUST', binds: 'verifier' },
      text: 'A token with another algorithm is refused.',
      tests: verify('threat 1: alg*', 'threat 1: an HMAC keyed with the public key is refused', '2.1: *'),
    },
    {
      ...{ at: '2.3 a', level: 'MUST', binds: 'verifier' },
      text: 'Where there is a `typ`, it is `JWT` or `JOSE`.',
      tests: verify('2.3: typ*', 'threat 10: typ*'),
    },
    {
      ...{ at: '2.3 b', level: 'MUST', binds: 'minter' },
      text: 'Where there is a `typ`, it is `JWT` or `JOSE`.',
      tests: mint(MINTED),
    },
    {
      ...{ at: '3.1 a', level: 'MUST', binds: 'verifier' },
      text: '`sub` is the SPIFFE ID of a workload.',
      tests: verify('3.1 to 3.3: a verified token says who, for whom, until when', 'threat 32: sub*'),
    },
    {
      ...{ at: '3.1 b', level: 'MUST', binds: 'minter' },
      text: '`sub` is the SPIFFE ID of a workload.',
      tests: mint(MINTED, REFUSED),
    },
    {
      ...{ at: '3.2 a', level: 'MUST', binds: 'minter' },
      text: '`aud` is there and holds at least one value.',
      tests: [...mint(MINTED), ...issuer('need an audience')],
    },
    {
      ...{ at: '3.2 b', level: 'MUST', binds: 'verifier' },
      text: 'A token without `aud`, or for others only, is refused.',
      tests: verify('3.2: aud*', '3.2: a string is accepted; any match is enough; nothing is normalised'),
    },
    {
      ...{ at: '3.3 a', level: 'MUST', binds: 'minter' },
      text: '`exp` is there.',
      tests: [...mint(MINTED), ...issuer('live as long as asked')],
    },
    {
      ...{ at: '3.3 b', level: 'MUST', binds: 'verifier' },
      text: 'A token without `exp` is refused.',
      tests: verify('threat 23: exp undefined is refused', 'threat 23: exp null is refused'),
    },
    {
      ...{ at: '4 a', level: 'MUST', binds: 'verifier' },
      text: 'The algorithm is looked at before anything else is done.',
      tests: verify('threat 1: alg "none" is refused before any key is looked up', 'threat 1: alg "HS256"*'),
    },
    {
      ...{ at: '4 b', level: 'MUST', binds: 'verifier' },
      text: '`aud` and `exp` are there and processed as RFC 7519 says.',
      tests: verify('3.2: *', 'threat 23: exp*', 'threat 24: exp*'),
    },
    {
      ...{ at: '5.1 a', level: 'MUST', binds: 'minter' },
      text: 'The compact serialisation is used.',
      tests: mint('ES256: jose verifies what is minted here', 'RS256: jose verifies what is minted here'),
    },
    {
      ...{ at: '6.1 a', level: 'MUST', binds: 'minter' },
      text: 'A key in a bundle document has `use` `jwt-svid`.',
      tests: document('writes what it reads back, use and kid included'),
    },
    {
      ...{ at: '6.1 b', level: 'MUST', binds: 'minter' },
      text: 'It has a `kid`.',
      tests: document(
        'writes what it reads back, use and kid included',
        'cannot be built of parts that do not belong together, or published without a kid',
      ),
    },
    {
      ...{ at: '6.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Only the keys for JWT-SVIDs are taken from a bundle document.',
      tests: [
        ...document('threat 9: never mixes the keys of the kinds of SVID'),
        ...keys('JWT bundle > threat 9: ignores the keys of another kind of SVID'),
        ...verify('threat 9: the keys of other uses in a SPIFFE bundle are not looked at'),
      ],
    },
  ],
  others: [
    {
      ...{ at: '3.2 c', level: 'SHOULD', binds: 'who asks for a token' },
      text: 'Audiences are as narrow as the service that is meant.',
    },
    {
      ...{ at: '5.2 a', level: 'SHOULD', binds: 'who sends a token; svidkit hands it over' },
      text: 'Over HTTP it travels as a bearer token in Authorization.',
    },
    {
      ...{ at: '5.3 a', level: 'SHOULD', binds: 'who sends a token; svidkit hands it over' },
      text: 'Over gRPC it travels the same way, as metadata.',
    },
  ],
};
