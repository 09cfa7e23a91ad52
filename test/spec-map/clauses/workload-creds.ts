import { type SpecDocument, testsIn } from '../spec-map.js';

const wimse = testsIn('wit/draft-ietf-wimse-workload-creds-02');
const verify = testsIn('wit/verify-wit');
const cnf = testsIn('wit/confirmation-key');
const mint = testsIn('wit/mint-wit');
const proof = testsIn('wpt/verify-wpt');
const wpt = testsIn('wpt/mint-wpt');
const http = testsIn('http/request-authenticator');
const fetching = testsIn('http/proving-fetch');
const leaf = testsIn('x509-svid/leaf-rules');
const path = testsIn('x509-svid/path');
const tls = testsIn('tls/verified-peers');
const issuer = testsIn('issuer/tokens');
const issued = testsIn('issuer/x509-svid');

const MINTED = 'gives the token that WIT-SVID section 4 asks for';
const OPERATOR = 'who runs the deployment';
const EXTENDER = 'who adds claims of their own';

export const workloadCreds: SpecDocument = {
  name: 'workload-creds',
  revision: 'draft-ietf-wimse-workload-creds-02',
  clauses: [
    {
      ...{ at: '1.3 a', level: 'MUST', binds: 'verifier' },
      text: 'The rules for identifiers are enforced.',
      tests: [...testsIn('id/draft-ietf-wimse-identifier-03')('workload identifiers*'), ...verify('threat 32: sub*')],
    },
    {
      ...{ at: '1.3 b', level: 'MUST', binds: 'client' },
      text: 'Code can say which identifier belongs to the name by which a server is reached: an agent for each.',
      tests: testsIn('tls/draft-ietf-wimse-mutual-tls-02')('draft-ietf-wimse-workload-creds section 1.3: *'),
    },
    {
      ...{ at: '3 a', level: 'MUST', binds: 'verifier' },
      text: 'Each trust domain has its own anchors, handed over by configuration.',
      tests: [
        ...verify('threat 7: a trust domain never speaks for another, whatever the kid'),
        ...path('threat 7: only the bundle of the own trust domain counts*'),
        ...testsIn('bundle/bundle-set')('refuses a second bundle of one kind for one trust domain, and never merges'),
      ],
    },
    {
      ...{ at: '3 b', level: 'MUST NOT', binds: 'verifier' },
      text: '`iss` leads to no keys.',
      tests: verify('threat 31: iss is compared with a list where there is one, and never followed'),
    },
    {
      ...{ at: '4 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'There is no second identifier in a credential.',
      tests: leaf('X509-SVID section 2: exactly one URI name*'),
    },
    {
      ...{ at: '5.1 a', level: 'MUST', binds: 'verifier' },
      text: '`alg` is an asymmetric signature algorithm and not `none`.',
      tests: [...verify('threat 1: alg*'), ...wimse('EdDSA signs WITs and proofs', 'Ed25519 signs WITs and proofs')],
    },
    {
      ...{ at: '5.1 b', level: 'MUST', binds: 'verifier' },
      text: '`typ` is the media type `wit+jwt`.',
      tests: [...wimse('threat 10: typ*'), ...verify('threat 10: typ*')],
    },
    {
      ...{ at: '5.1 c', level: 'SHOULD', binds: 'minter' },
      text: '`iss` can be given.',
      tests: mint(MINTED),
    },
    {
      ...{ at: '5.1 d', level: 'MUST', binds: 'verifier' },
      text: '`sub` is one workload identifier.',
      tests: verify('threat 32: sub*'),
    },
    {
      ...{ at: '5.1 e', level: 'MUST', binds: 'verifier' },
      text: '`exp` is there.',
      tests: verify('threat 23: exp*'),
    },
    {
      ...{ at: '5.1 f', level: 'MUST', binds: 'verifier' },
      text: '`cnf` has a `jwk` with the public key.',
      tests: cnf('threat 4: *', 'threat 5: weak and malformed keys are refused'),
    },
    {
      ...{ at: '5.1 g', level: 'MUST', binds: 'client' },
      text: 'A WIT goes out with a proof of its key.',
      tests: [...fetching('proves every request afresh'), ...wpt('threat 47: must be the one in the WIT*')],
    },
    {
      ...{ at: '5.1 h', level: 'MUST NOT', binds: 'verifier' },
      text: 'A WIT is no bearer token.',
      tests: [...http('threat 11: *'), ...verify('threat 11: *')],
    },
    {
      ...{ at: '5.1 i', level: 'MUST', binds: 'verifier' },
      text: '`cnf.jwk.alg` is there.',
      tests: cnf('threat 3: missing_cnf_alg*'),
    },
    {
      ...{ at: '5.1 j', level: 'MUST', binds: 'verifier' },
      text: 'The proof has that algorithm.',
      tests: proof('threat 3: *'),
    },
    {
      ...{ at: '5.1 k', level: 'MUST NOT', binds: 'verifier' },
      text: 'It is not `none`, nor for symmetric keys or encryption.',
      tests: cnf('threat 3: unsupported_cnf_alg*', 'threat 4: a symmetric key is refused'),
    },
    {
      ...{ at: '5.1 l', level: 'MUST', binds: 'verifier' },
      text: '`ES256` is supported.',
      tests: testsIn('wit/wit-svid-standard')('2.3 and 3.2: ES256 is supported*'),
    },
    {
      ...{ at: '5.1 m', level: 'MUST', binds: 'minter' },
      text: 'All of that is set, and no private member.',
      tests: mint('takes the wimse profile*', 'threat 47: no private member reaches cnf', 'threat 47: *'),
    },
    {
      ...{ at: '5.1.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Claims that are not known are ignored.',
      tests: wimse('aud is not prohibited', 'section 5.1.2: claims that nobody knows are passed over'),
    },
    {
      ...{ at: '5.1.3 a', level: 'SHOULD', binds: 'minter' },
      text: 'A WIT can have an `iss`; it is not needed to validate one.',
      tests: [...mint(MINTED), ...wimse('the published example verifies, high s and all')],
    },
    {
      ...{ at: '5.2 a', level: 'SHOULD NOT', binds: 'verifier' },
      text: 'A refusal is not 401 where Authorization plays no part (WPT -01).',
      tests: testsIn('wpt/draft-ietf-wimse-wpt-01')('a refusal is a 400 without a challenge'),
    },
    {
      ...{ at: '6.1 a', level: 'MUST', binds: 'verifier' },
      text: 'A certificate has its identifier in exactly one URI name.',
      tests: leaf('X509-SVID section 2: exactly one URI name*'),
    },
    {
      ...{ at: '6.1 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'It has no other workload identifier among its names.',
      tests: leaf('two SPIFFE IDs are refused*', 'a second URI of another scheme is refused*'),
    },
    {
      ...{ at: '6.1 c', level: 'SHOULD', binds: 'minter' },
      text: 'A server certificate can have DNS names.',
      tests: issued('carry the fields of X509-SVID appendix A'),
    },
    {
      ...{ at: '7 a', level: 'MUST', binds: 'verifier' },
      text: 'A path means something within its trust domain only.',
      tests: testsIn('id/authorizer')('threat 32: *'),
    },
    {
      ...{ at: '9.1 a', level: 'MUST', binds: 'verifier' },
      text: 'An identifier is read within its trust domain.',
      tests: [
        ...verify('threat 7: *'),
        ...proof('threat 19: one workload cannot burn the jti of another, nor one trust domain that of another'),
      ],
    },
    {
      ...{ at: '9.1 b', level: 'MUST', binds: 'verifier' },
      text: 'Where issuers matter, they are on a list.',
      tests: verify('threat 31: iss is compared with a list where there is one, and never followed'),
    },
    {
      ...{ at: '9.2 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'A WIT is not used as bearer token.',
      tests: http('threat 11: a WIT alone is no credential', 'threat 11: a WIT as bearer token is no credential'),
    },
    {
      ...{ at: '9.2.1 a', level: 'MUST', binds: 'minter' },
      text: 'A WIT has a limited life.',
      tests: mint(MINTED, 'threat 47: misuse is a TypeError', 'threat 47: bad_exp, as a verifier would say'),
    },
    {
      ...{ at: '9.2.1 b', level: 'SHOULD', binds: 'minter' },
      text: 'That life is short: an hour unless told otherwise.',
      tests: issuer('draft-ietf-wimse-workload-creds section 9.2.1: live for an hour unless told otherwise'),
    },
    {
      ...{ at: '9.2.2 a', level: 'MUST', binds: 'client' },
      text: 'A proof has a limited life.',
      tests: wpt('threat 47: a proof lives for 300 s at most, and not beyond its WIT'),
    },
    {
      ...{ at: '9.2.2 b', level: 'MUST', binds: 'verifier' },
      text: 'A proof outside its time is refused.',
      tests: proof('threat 24: the default leeway is 10 s', 'threat 23: *'),
    },
    {
      ...{ at: '9.3 a', level: 'MUST', binds: 'verifier' },
      text: 'A certificate is validated with the anchors of its own trust domain.',
      tests: [...path('threat 7: only the bundle of the own trust domain counts*'), ...tls('threat 7: *')],
    },
    {
      ...{ at: '9.3 b', level: 'MUST', binds: 'verifier' },
      text: 'A certificate whose identifier is outside the trust domain of its anchor is refused.',
      tests: path('a leaf signed by the authority of another domain is refused, whatever it says'),
    },
    {
      ...{ at: '9.4 a', level: 'MUST', binds: 'client' },
      text: 'Private keys stay private.',
      tests: [
        ...testsIn('wit/wit-svid')('shows neither token nor key'),
        ...testsIn('x509-svid/parse-x509-svid')('gives its private key away by no accident'),
        ...testsIn('wpt/secrecy')('is neither a token nor a key, in any form'),
      ],
    },
    {
      ...{ at: '9.4 b', level: 'MUST', binds: 'minter' },
      text: 'A key belongs to one identifier.',
      tests: mint('threat 47: a key of one workload is not put into the WIT of another'),
    },
    {
      ...{ at: '9.4 c', level: 'MUST NOT', binds: 'client' },
      text: 'A key is not used once its credential has expired.',
      tests: [
        ...wpt('threat 47: a proof lives for 300 s at most, and not beyond its WIT'),
        ...testsIn('workload-api/wit-source')('never presents an expired SVID'),
        ...tls('has expired: neither side presents it'),
      ],
    },
    {
      ...{ at: '9.4 d', level: 'SHOULD', binds: 'minter' },
      text: 'Each credential has a new key.',
      tests: [
        ...issued('have a fresh key and serial number each time'),
        ...testsIn('dev/changes')('reaches every open stream with the same new credentials'),
      ],
    },
    {
      ...{ at: '9.5 a', level: 'MUST', binds: 'client' },
      text: 'WIT and proof travel over TLS, unless something else secures the channel.',
      tests: fetching('sends nothing that it cannot prove or must not send'),
    },
  ],
  others: [
    { ...{ at: '1.3 c', level: 'SHOULD', binds: OPERATOR }, text: 'Names and identifiers of servers are consistent.' },
    { ...{ at: '3 c', level: 'MUST', binds: OPERATOR }, text: 'Anchors are distributed by secure means out of band.' },
    {
      ...{ at: '4 b', level: 'MUST', binds: OPERATOR },
      text: 'The identity that decides about access is the one in the credential.',
    },
    { ...{ at: '5.1.2 b', level: 'SHOULD NOT', binds: EXTENDER }, text: 'Private claim names are avoided.' },
    { ...{ at: '5.1.2 c', level: 'SHOULD', binds: EXTENDER }, text: 'Names do not collide.' },
    { ...{ at: '5.1.2 d', level: 'MUST', binds: EXTENDER }, text: 'Outside closed environments names are registered.' },
    {
      ...{ at: '9.3.1 a', level: 'SHOULD', binds: OPERATOR },
      text: 'Certificates live as long as suits the workload.',
    },
  ],
};
