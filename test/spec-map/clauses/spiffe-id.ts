import { type SpecDocument, testsIn } from '../spec-map.js';

const id = testsIn('id/spiffe-id');
const issuer = testsIn('issuer/x509-svid');
const standard = testsIn('x509-svid/x509-svid-standard');

export const spiffeId: SpecDocument = {
  name: 'SPIFFE-ID',
  revision: 'stable, July 2026',
  clauses: [
    {
      ...{ at: '2 a', level: 'MUST', binds: 'verifier' },
      text: 'The scheme is `spiffe`.',
      tests: id('"http://example.org/agents" is refused*', '"wimse://example.org/agents" is refused*'),
    },
    {
      ...{ at: '2 b', level: 'MUST', binds: 'verifier' },
      text: 'The trust domain name is not empty.',
      tests: id('"spiffe://" is refused as empty_trust_domain'),
    },
    {
      ...{ at: '2 c', level: 'MUST NOT', binds: 'verifier' },
      text: 'There is no query and no fragment, not even an empty one.',
      tests: id(
        '"spiffe://example.org?" is refused*',
        '"spiffe://example.org#" is refused*',
        '"spiffe://example.org/agents?" is refused*',
        '"spiffe://example.org/agents?x=1" is refused*',
        '"spiffe://example.org/agents#f" is refused*',
      ),
    },
    {
      ...{ at: '2.1 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'The host is not empty.',
      tests: id('"spiffe:///agents" is refused as empty_trust_domain'),
    },
    {
      ...{ at: '2.1 b', level: 'MUST', binds: 'verifier' },
      text: 'There is neither userinfo nor port.',
      tests: id('"spiffe://user@example.org/agents" is refused*', '"spiffe://example.org:8080/agents" is refused*'),
    },
    {
      ...{ at: '2.1 c', level: 'MUST', binds: 'verifier' },
      text: 'The host is in lower case.',
      tests: id('"spiffe://Example.org/agents" is refused*'),
    },
    {
      ...{ at: '2.1 d', level: 'MUST', binds: 'verifier' },
      text: 'The host holds letters, digits, dots, dashes and underscores only.',
      tests: id(
        'spiffe://trust_domain-1.example.org/A.b_c-D/...',
        '"spiffe://exämple.org/agents" is refused*',
        '"spiffe://[::1]/agents" is refused*',
        '"spiffe://exam\\tple.org/agents" is refused*',
      ),
    },
    {
      ...{ at: '2.1 e', level: 'MUST NOT', binds: 'verifier' },
      text: 'The host is not percent-encoded.',
      tests: id('"spiffe://ex%61mple.org/agents" is refused*'),
    },
    {
      ...{ at: '2.1 f', level: 'MUST NOT', binds: 'verifier' },
      text: 'A name that is an IPv4 address or no DNS name is treated like any other.',
      tests: [...id('spiffe://1.2.3.4/service'), ...standard('SPIFFE-ID section 2.1: *')],
    },
    {
      ...{ at: '2.2 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'The path is not percent-encoded.',
      tests: id('threat 32: percent-encoded twins, dot segments and a path smuggled into a segment are refused'),
    },
    {
      ...{ at: '2.2 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'No segment is empty, `.` or `..`.',
      tests: id(
        '"spiffe://example.org//agents" is refused*',
        '"spiffe://example.org/./agents" is refused*',
        '"spiffe://example.org/agents/.." is refused*',
      ),
    },
    {
      ...{ at: '2.2 c', level: 'MUST NOT', binds: 'verifier' },
      text: 'The path does not end in `/`.',
      tests: id('"spiffe://example.org/" is refused*', '"spiffe://example.org/agents/" is refused*'),
    },
    {
      ...{ at: '2.2 d', level: 'MUST', binds: 'verifier' },
      text: 'Segments hold letters, digits, dots, dashes and underscores only.',
      tests: id(
        '"spiffe://example.org/agents " is refused*',
        '"spiffe://example.org/ag\\\\ents" is refused*',
        '"spiffe://example.org/agénts" is refused*',
        'any text is either refused with an IdError or is the identifier it reads as',
      ),
    },
    {
      ...{ at: '2.3 a', level: 'MUST', binds: 'verifier' },
      text: 'Identifiers of up to 2048 bytes are supported.',
      tests: id('section 2.3: 2048 bytes are supported, 2049 are not'),
    },
    {
      ...{ at: '2.3 b', level: 'SHOULD NOT', binds: 'minter' },
      text: 'No identifier of more than 2048 bytes is made.',
      tests: id('section 2.3: no identifier of more than 2048 bytes is built from parts'),
    },
    {
      ...{ at: '3.1 a', level: 'MUST', binds: 'minter' },
      text: 'A signing authority has an SVID of its own.',
      tests: issuer('carry the fields of X509-SVID appendix A', 'satisfy Node and @peculiar/x509 as well*'),
    },
    {
      ...{ at: '3.1 b', level: 'SHOULD', binds: 'minter' },
      text: 'The identifier of the signing authority is in its trust domain and has no path.',
      tests: issuer('carry the fields of X509-SVID appendix A', 'satisfy Node and @peculiar/x509 as well*'),
    },
    {
      ...{ at: '3.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Identifier and public key are in the part that is signed.',
      tests: [
        ...testsIn('x509-svid/hostile')('a bit in every byte of a leaf counts, signature and outer algorithm included'),
        ...testsIn('jwt-svid/jwt-svid-standard')('a changed byte anywhere breaks the signature'),
        ...testsIn('wit/verify-wit')('WIT-SVID section 4: a changed byte anywhere breaks the signature'),
      ],
    },
    {
      ...{ at: '3.3 a', level: 'MUST', binds: 'verifier' },
      text: 'An SVID is a document of a specified type; other documents and types in each other’s place are refused.',
      tests: [
        ...testsIn('jwt-svid/jwt-svid-standard')('threat 10: typ*'),
        ...testsIn('wit/verify-wit')('threat 10: typ*'),
        ...testsIn('x509-svid/leaf-rules')('no subject alternative name, and none that is a URI'),
      ],
    },
  ],
  others: [],
};
