import { type SpecDocument, testsIn } from '../spec-map.js';

const leaf = testsIn('x509-svid/leaf-rules');
const path = testsIn('x509-svid/path');
const standard = testsIn('x509-svid/x509-svid-standard');
const parse = testsIn('x509-svid/parse-x509-svid');
const names = testsIn('x509-svid/name-constraints');
const issuer = testsIn('issuer/x509-svid');
const bundle = testsIn('bundle/x509-bundle');
const document = testsIn('bundle/spiffe-trust-domain-and-bundle');
const tls = testsIn('tls/verified-peers');

const FIELDS = 'carry the fields of X509-SVID appendix A';
const USAGE = 'has key usage, critical, with digitalSignature and without keyCertSign and cRLSign';
const INTERMEDIATE = 'an intermediate is a CA with keyCertSign and without the identifier of a workload';
const AUTHORITY = 'X509-SVID section 3.2: every authority is a CA that may sign certificates';
const WRITTEN = 'writes what it reads back, use and kid included';

export const x509Svid: SpecDocument = {
  name: 'X509-SVID',
  revision: 'stable, July 2026',
  clauses: [
    {
      ...{ at: '2 a', level: 'MUST', binds: 'minter' },
      text: 'There is exactly one URI name.',
      tests: issuer(FIELDS),
    },
    {
      ...{ at: '2 b', level: 'MUST', binds: 'verifier' },
      text: 'More than one URI name of whatever scheme is a reason to refuse; none is one as well.',
      tests: leaf('X509-SVID section 2: exactly one URI name*'),
    },
    {
      ...{ at: '3.1 a', level: 'MUST', binds: 'minter' },
      text: 'The identifier of a leaf has a path.',
      tests: issuer('are not issued for spiffe://example.org'),
    },
    {
      ...{ at: '3.1 b', level: 'MUST', binds: 'verifier' },
      text: 'Where there is no subject, the alternative names are critical.',
      tests: leaf('without a subject has critical alternative names'),
    },
    {
      ...{ at: '3.1 c', level: 'MUST', binds: 'minter' },
      text: 'Where there is no subject, the alternative names are critical.',
      tests: issuer('X509-SVID section 3.1: *'),
    },
    {
      ...{ at: '3.2 a', level: 'SHOULD', binds: 'minter' },
      text: 'A signing certificate is an SVID itself.',
      tests: issuer(FIELDS, 'satisfy Node and @peculiar/x509 as well*'),
    },
    {
      ...{ at: '3.2 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'The SPIFFE ID of a signing certificate has no path, intermediate or authority.',
      tests: [
        ...path(INTERMEDIATE),
        ...standard('section 3.2: an authority of the bundle has no path in its SPIFFE ID either'),
      ],
    },
    {
      ...{ at: '3.2 c', level: 'SHOULD', binds: 'minter' },
      text: 'The SPIFFE ID of a signing certificate is in the trust domain of the leaves it issues.',
      tests: issuer(
        'satisfy Node and @peculiar/x509 as well*',
        'are not issued for spiffe://other.example/agents/planner',
      ),
    },
    {
      ...{ at: '3.2 d', level: 'MUST NOT', binds: 'verifier' },
      text: 'A signing certificate authenticates nobody.',
      tests: [
        ...leaf('is not a CA, in either profile'),
        ...tls('as a client, when its certificate is a CA', 'as a server, when its certificate is a CA'),
      ],
    },
    {
      ...{ at: '3.2 e', level: 'MUST NOT', binds: 'client' },
      text: 'A signing certificate is not presented.',
      tests: [
        ...parse('a leaf that verifiers would refuse'),
        ...testsIn('workload-api/messages')('is refused as a whole for an authority as SVID'),
      ],
    },
    {
      ...{ at: '4.1 a', level: 'MUST', binds: 'verifier' },
      text: 'A signing certificate has cA true.',
      tests: [...path(INTERMEDIATE), ...bundle(AUTHORITY), ...parse('an intermediate that is no CA*')],
    },
    {
      ...{ at: '4.1 b', level: 'MUST', binds: 'minter' },
      text: 'Signing certificates have cA true, leaves false.',
      tests: issuer(FIELDS, 'satisfy Node and @peculiar/x509 as well*'),
    },
    {
      ...{ at: '4.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Identifiers below a signing certificate are within its URI constraints.',
      tests: names('X509-SVID section 4.2: URI constraints*', 'constraints of an authority count*'),
    },
    {
      ...{ at: '4.3 a', level: 'MUST', binds: 'verifier' },
      text: 'The key usage of a leaf is there and critical; an intermediate has one.',
      tests: [...leaf(USAGE), ...path(INTERMEDIATE)],
    },
    {
      ...{ at: '4.3 g', level: 'MUST', binds: 'verifier' },
      text: 'The key usage of an intermediate is critical.',
      tests: [],
      gap: 'accepted when it is not: RFC 5280 section 4.2.1.3 only recommends it, and section 5 does not name it',
    },
    {
      ...{ at: '4.3 b', level: 'MUST', binds: 'minter' },
      text: 'Key usage is there and critical.',
      tests: issuer(FIELDS, 'X509-SVID section 4: *'),
    },
    {
      ...{ at: '4.3 c', level: 'MUST', binds: 'verifier' },
      text: 'A signing certificate has keyCertSign.',
      tests: [...path(INTERMEDIATE), ...bundle(AUTHORITY)],
    },
    {
      ...{ at: '4.3 d', level: 'MUST', binds: 'verifier' },
      text: 'A leaf has digitalSignature.',
      tests: leaf(USAGE),
    },
    {
      ...{ at: '4.3 e', level: 'MUST NOT', binds: 'verifier' },
      text: 'A leaf has neither keyCertSign nor cRLSign.',
      tests: leaf(
        USAGE,
        'key usage is not mistaken for extended key usage: a leaf with good purposes and keyCertSign is refused',
      ),
    },
    {
      ...{ at: '4.3 f', level: 'MUST', binds: 'minter' },
      text: 'Authorities have keyCertSign; leaves have digitalSignature and neither keyCertSign nor cRLSign.',
      tests: issuer(FIELDS, 'X509-SVID section 4: *'),
    },
    {
      ...{ at: '4.4 a', level: 'SHOULD', binds: 'minter' },
      text: 'A leaf has an extended key usage.',
      tests: issuer(FIELDS),
    },
    {
      ...{ at: '4.4 b', level: 'MUST', binds: 'verifier' },
      text: 'Where a leaf has an extended key usage, it names serverAuth and clientAuth.',
      tests: leaf('has both TLS purposes if it names purposes at all'),
    },
    {
      ...{ at: '4.4 c', level: 'MUST', binds: 'minter' },
      text: 'The extended key usage of a leaf names serverAuth and clientAuth.',
      tests: issuer(FIELDS),
    },
    {
      ...{ at: '5.1 a', level: 'MUST', binds: 'verifier' },
      text: 'Path validation is that of RFC 5280.',
      tests: [
        ...path('RFC 5280 section 6: a path*', 'validity*', 'alternatives*', 'signatures*'),
        ...names('RFC 5280 section 4.2.1.10*'),
        ...leaf('RFC 5280 section 4.2: has no critical extension that is unknown here'),
        ...testsIn('x509-svid/second-opinion')('@peculiar/x509*'),
      ],
    },
    {
      ...{ at: '5.2 a', level: 'MUST', binds: 'verifier' },
      text: 'The leaf has cA false.',
      tests: leaf('is not a CA, in either profile'),
    },
    {
      ...{ at: '5.2 b', level: 'MUST', binds: 'verifier' },
      text: 'The leaf has neither keyCertSign nor cRLSign.',
      tests: leaf(USAGE),
    },
    {
      ...{ at: '5.2 c', level: 'MUST', binds: 'verifier' },
      text: 'The scheme of its identifier is `spiffe`.',
      tests: leaf('https://example.org/agents is refused', 'the wimse scheme is for the wimse profile'),
    },
    {
      ...{ at: '5.2 d', level: 'MUST', binds: 'verifier' },
      text: 'Its identifier has a path.',
      tests: leaf('the trust domain itself is no workload'),
    },
    {
      ...{ at: '5.2 e', level: 'MUST', binds: 'verifier' },
      text: 'A leaf with more than one URI name is refused.',
      tests: [
        ...leaf('two SPIFFE IDs are refused*', 'a second URI of another scheme is refused*'),
        ...tls('as a client, when its certificate has two URI names', 'as a server, when its certificate has two*'),
      ],
    },
    {
      ...{ at: '6.1 a', level: 'MUST', binds: 'minter' },
      text: 'An entry of a bundle document for an authority has `use` `x509-svid`.',
      tests: document(WRITTEN),
    },
    {
      ...{ at: '6.1 b', level: 'MUST NOT', binds: 'minter' },
      text: 'It has no `kid`.',
      tests: document(WRITTEN),
    },
    {
      ...{ at: '6.1 c', level: 'MUST', binds: 'minter' },
      text: 'It has `x5c` with the certificate, in base64.',
      tests: document(WRITTEN),
    },
    {
      ...{ at: '6.1 d', level: 'MUST', binds: 'minter' },
      text: '`x5c` holds that one certificate and no other.',
      tests: document(WRITTEN),
    },
    {
      ...{ at: '6.1 e', level: 'SHOULD', binds: 'minter' },
      text: 'The certificate is self-signed.',
      tests: issuer('satisfy Node and @peculiar/x509 as well*'),
    },
    {
      ...{ at: '6.2 a', level: 'MUST', binds: 'verifier' },
      text: 'An entry without `x5c`, or with an empty one, is ignored.',
      tests: document('X509-SVID section 6.2: ignores an entry without certificates, and all but the first of several'),
    },
    {
      ...{ at: '6.2 b', level: 'MUST', binds: 'verifier' },
      text: 'Of several certificates in `x5c` all but the first are ignored.',
      tests: document('X509-SVID section 6.2: ignores an entry without certificates, and all but the first of several'),
    },
  ],
  others: [],
};
