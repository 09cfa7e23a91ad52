import { type SpecDocument, testsIn } from '../spec-map.js';

const tls = testsIn('tls/verified-peers');
const draft = testsIn('tls/draft-ietf-wimse-mutual-tls-02');
const kept = testsIn('tls/kept-connections');
const undici = testsIn('tls/undici-connector');
const http2 = testsIn('tls/http2');
const pool = testsIn('tls/http2-session-pool');
const grpc = testsIn('tls/grpc');
const grpcKept = testsIn('tls/grpc-kept');
const raw = testsIn('tls/raw-sockets');
const oneWay = testsIn('tls/one-way');
const withdrawn = testsIn('tls/withdrawn-peers');
const revoked = testsIn('tls/revocation');
const leaf = testsIn('x509-svid/leaf-rules');
const path = testsIn('x509-svid/path');
const authorizer = testsIn('id/authorizer');

const NAMED = 'hold the host name in the wimse profile (draft-ietf-wimse-mutual-tls section 3.2.1)';
const ELSE = 'threat 33: when the authorizer expects somebody else of the same trust domain';
const PURPOSES = 'needs no key usage and no purposes, but those it has must allow the use';
const OPERATOR = 'who runs the deployment';

export const mutualTls: SpecDocument = {
  name: 'mutual-tls',
  revision: 'draft-ietf-wimse-mutual-tls-02',
  clauses: [
    {
      ...{ at: '3.2 a', level: 'MUST', binds: 'verifier' },
      text: 'A certificate is validated with the anchors of the trust domain it names.',
      tests: [
        ...tls('threat 7: *'),
        ...http2('threat 7: *'),
        ...grpc('a server is refused before a call leaves > threat 7: *'),
        ...grpc('a client is refused before a handler runs > threat 7: *'),
        ...raw('no byte of a client with another authority is delivered*'),
        ...path('threat 7: only the bundle of the own trust domain counts*'),
      ],
    },
    {
      ...{ at: '3.2 b', level: 'MUST', binds: 'verifier' },
      text: 'Both sides check that the peer is of the trust domain that is expected.',
      tests: [
        ...tls(ELSE),
        ...draft('section 3.2: a trusted peer of another trust domain than expected is refused on both sides'),
        ...draft('section 3.2: over HTTP/2, raw sockets and gRPC as well, trust is not enough'),
        ...authorizer('memberOf admits a trust domain of one scheme, subdomains excluded'),
      ],
    },
    {
      ...{ at: '3.2 c', level: 'MUST', binds: 'verifier' },
      text: 'A server requires a client certificate.',
      tests: [
        ...tls('as a client without a certificate, over TLSv1.2', 'as a client without a certificate, over TLSv1.3'),
        ...http2('as a client without a certificate*'),
        ...grpc('a client is refused before a handler runs > without a certificate*'),
        ...raw('no byte of a client with no certificate is delivered*'),
        ...oneWay('threat 33: what would leave a peer unverified without saying so > is a TypeError for a server*'),
      ],
    },
    {
      ...{ at: '3.2 d', level: 'SHOULD', binds: 'minter' },
      text: 'Certificates name serverAuth and clientAuth.',
      tests: testsIn('issuer/x509-svid')('carry the fields of X509-SVID appendix A'),
    },
    {
      ...{ at: '3.2.1 a', level: 'SHOULD', binds: 'minter' },
      text: 'A server that is reached by a DNS name can have that name in its certificate.',
      tests: testsIn('issuer/x509-svid')('carry the fields of X509-SVID appendix A'),
    },
    {
      ...{ at: '3.2.1 b', level: 'MUST', binds: 'client' },
      text: 'It validates the DNS name by which it reached a server.',
      tests: [
        ...tls(NAMED, 'are not asked for host names, unless that is wanted'),
        ...http2('is asked for the host name where that is wanted'),
        ...grpc('holds the name of the server where that is asked for'),
        ...draft('section 3.2.1: a raw socket holds the DNS name where that is asked for'),
      ],
    },
    {
      ...{ at: '3.2.1 c', level: 'MUST', binds: 'client' },
      text: 'Without DNS names it is told which identity to expect, and validates it before it uses the connection.',
      tests: [
        ...tls('threat 33: there is no agent and no server without an authorizer', ELSE),
        ...undici('rejects with not_authorized before a request is sent', 'threat 33: needs an authorizer'),
        ...http2('threat 33: *'),
        ...grpc('a server is refused before a call leaves > threat 33: *'),
        ...raw('threat 33: needs an authorizer, and so does a server', 'no byte of a server that is refused*'),
        ...oneWay('threat 33: what would leave a peer unverified without saying so > is a TypeError for a client*'),
      ],
    },
    {
      ...{ at: '3.2.1 d', level: 'MUST NOT', binds: 'client' },
      text: 'The trust domain in an identifier is not taken for a host name.',
      tests: draft('section 3.2.1: a trust domain is no host name'),
    },
    {
      ...{ at: '3.2.1 e', level: 'MUST', binds: 'verifier' },
      text: 'A path means something within its trust domain only.',
      tests: authorizer('threat 32: *'),
    },
    {
      ...{ at: '3.3 a', level: 'MUST', binds: 'verifier' },
      text: 'The path of a client is taken within its trust domain.',
      tests: [...authorizer('threat 32: *'), ...tls('threat 32: when its path begins like an allowed one')],
    },
    {
      ...{ at: '5 a', level: 'MUST', binds: 'verifier' },
      text: 'Chain, extended key usage and identifier are validated before the identity is used.',
      tests: [
        ...leaf(PURPOSES),
        ...tls('a peer is refused > as a client, when*', 'a peer is refused > as a server, when*', 'and none of 200*'),
        ...http2('a peer of HTTP/2 is refused > *'),
        ...grpc('a server is refused before a call leaves > *', 'a client is refused before a handler runs > *'),
        ...raw('no byte of *'),
      ],
    },
    {
      ...{ at: '5 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'No policy looks at a path alone.',
      tests: authorizer('threat 32: *', 'memberOf admits a trust domain of one scheme, subdomains excluded'),
    },
    {
      ...{ at: '5 c', level: 'SHOULD', binds: 'client' },
      text: 'A server that is identified by a DNS name is authenticated by it.',
      tests: tls(NAMED),
    },
    {
      ...{ at: '5 d', level: 'MUST', binds: 'verifier' },
      text: 'A server validates chain, trust domain and identifier of its client before it uses the identity.',
      tests: [
        ...tls('a peer is refused > as a client, when*', 'threat 7: as a client*', 'and none of 200*'),
        ...http2('a peer of HTTP/2 is refused > *'),
        ...grpc('a client is refused before a handler runs > *'),
        ...raw('no byte of a client with *'),
        ...kept('hands nothing to listeners for connections and requests that were put before its own'),
      ],
    },
    {
      ...{ at: '5 e', level: 'SHOULD', binds: 'verifier' },
      text: 'Certificates that expired, or whose authority was withdrawn, are found out on kept connections.',
      tests: [
        ...kept('refuses the next requests on a connection once the certificate of the client expires'),
        ...kept('refuses the next requests on a connection once the authority is replaced'),
        ...kept('does not use an idle one once the authority is replaced'),
        ...withdrawn('within the turn in which *', 'ends a socket when *'),
        ...pool('a pool of sessions does not hand one out once > *'),
        ...grpcKept('sends nothing more once *', 'lets no further call through to a handler once *', 'threat 7: *'),
      ],
    },
    {
      ...{ at: '5 l', level: 'SHOULD', binds: 'verifier' },
      text: 'Where certificates are revoked, connections to and from their holders are refused and closed.',
      tests: [
        ...revoked('is refused to a revoked client', 'is not made to a revoked server'),
        ...revoked('gets no further request of a client that a newer list revokes', 'lists from the Workload API > *'),
      ],
    },
    {
      ...{ at: '5 f', level: 'MUST', binds: 'client' },
      text: 'Private keys are protected against disclosure.',
      tests: [
        ...kept('secrets > do not show in agents, servers and errors'),
        ...testsIn('x509-svid/parse-x509-svid')('gives its private key away by no accident'),
      ],
    },
    {
      ...{ at: '5 g', level: 'MUST NOT', binds: 'verifier' },
      text: 'What a request says in its fields does not override the identity of the connection.',
      tests: draft(
        'section 5: no header field changes who the peer is',
        'section 5: over HTTP/2 and gRPC neither fields nor metadata change who the peer is',
      ),
    },
  ],
  others: [
    { ...{ at: '5 h', level: 'SHOULD', binds: OPERATOR }, text: 'Certificates live as long as suits the workload.' },
    { ...{ at: '5 i', level: 'MUST NOT', binds: OPERATOR }, text: 'Unrelated instances do not share a private key.' },
    { ...{ at: '5 j', level: 'SHOULD', binds: OPERATOR }, text: 'Private keys are made and held where they are used.' },
    {
      ...{ at: '5 k', level: 'SHOULD', binds: OPERATOR },
      text: 'Where intermediaries end TLS, an application-layer credential is used as well.',
    },
  ],
};
