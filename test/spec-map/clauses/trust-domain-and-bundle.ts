import { type SpecDocument, testsIn } from '../spec-map.js';

const document = testsIn('bundle/spiffe-trust-domain-and-bundle');
const keys = testsIn('bundle/key-bundle');
const map = testsIn('bundle/spiffe-bundle-map');
const path = testsIn('x509-svid/path');
const rotation = testsIn('issuer/rotation');

const WRITTEN = 'writes what it reads back, use and kid included';

export const trustDomainAndBundle: SpecDocument = {
  name: 'Bundle',
  revision: 'SPIFFE Trust Domain and Bundle, stable, July 2026',
  clauses: [
    {
      ...{ at: '4.1 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'No parameter but those defined is needed to read a document.',
      tests: document('section 4.1: neither sequence nor hint nor anything else is required*'),
    },
    {
      ...{ at: '4.1.1 a', level: 'SHOULD', binds: 'minter' },
      text: 'A bundle has a sequence number.',
      tests: rotation('publishes immutable snapshots with a growing sequence number'),
    },
    {
      ...{ at: '4.1.1 b', level: 'MUST', binds: 'verifier' },
      text: 'The sequence number is an integer; 64 bits of it are kept.',
      tests: document('section 4.1.1: *'),
    },
    {
      ...{ at: '4.1.1 c', level: 'MUST', binds: 'minter' },
      text: 'The sequence number grows whenever the contents change.',
      tests: rotation('SPIFFE Trust Domain and Bundle section 4.1.1: *'),
    },
    {
      ...{ at: '4.1.2 a', level: 'SHOULD', binds: 'minter' },
      text: 'A bundle has a refresh hint.',
      tests: rotation('survives the SPIFFE bundle document', 'SPIFFE Trust Domain and Bundle section 4.1.2: *'),
    },
    {
      ...{ at: '4.1.2 b', level: 'MUST', binds: 'verifier' },
      text: 'The refresh hint is an integer.',
      tests: document('section 4.1.2: *'),
    },
    {
      ...{ at: '4.1.3 a', level: 'MUST', binds: 'verifier' },
      text: '`keys` is there.',
      tests: document('section 4.1.3: keys must be there and may be empty'),
    },
    {
      ...{ at: '4.1.3 b', level: 'MUST', binds: 'verifier' },
      text: 'Entries of unknown type or use are ignored.',
      tests: [
        ...document('section 4.2: ignores entries without use, of unknown use, type or curve'),
        ...keys('SPIFFE Trust Domain and Bundle section 4.1.3: ignores unknown types, curves and uses'),
      ],
    },
    {
      ...{ at: '4.1.3 c', level: 'MUST', binds: 'verifier' },
      text: 'Where a bundle has no usable keys, every SVID of the trust domain is invalid.',
      tests: [
        ...path('an empty bundle trusts nobody, and a self-signed leaf does not help itself'),
        ...testsIn('wit/verify-wit')('SPIFFE Trust Domain and Bundle section 4.1.3: an empty bundle trusts nobody'),
        ...testsIn('jwt-svid/jwt-svid-standard')(
          'SPIFFE Trust Domain and Bundle section 4.1.3: an empty bundle trusts nobody',
        ),
      ],
    },
    {
      ...{ at: '4.2 a', level: 'SHOULD NOT', binds: 'minter' },
      text: 'Entries have no members that the documents do not define.',
      tests: document(WRITTEN),
    },
    {
      ...{ at: '4.2.1 a', level: 'MUST', binds: 'minter' },
      text: 'Entries have a `kty`.',
      tests: document(WRITTEN),
    },
    {
      ...{ at: '4.2.1 b', level: 'MUST', binds: 'verifier' },
      text: 'An entry of unknown `kty` is ignored whole.',
      tests: document('section 4.2: ignores entries without use, of unknown use, type or curve'),
    },
    {
      ...{ at: '4.2.2 a', level: 'MUST', binds: 'minter' },
      text: 'Entries have a `use`.',
      tests: document(WRITTEN),
    },
    {
      ...{ at: '4.2.2 b', level: 'MUST', binds: 'verifier' },
      text: 'An entry without `use`, or of an unknown one, is ignored; case counts.',
      tests: [
        ...document('section 4.2: ignores entries without use, of unknown use, type or curve'),
        ...keys('counts a key without use on the Workload API, and not in a SPIFFE bundle document'),
      ],
    },
    {
      ...{ at: '5.1.1 a', level: 'MUST', binds: 'verifier' },
      text: 'A map has `trust_domains`, which may be empty.',
      tests: map('section 5.1.1: may be empty, and must have trust_domains'),
    },
    {
      ...{ at: '5.1.1 b', level: 'MUST', binds: 'verifier' },
      text: 'A map with a trust domain that is there twice is refused.',
      tests: map('sections 5.1.1, 6.3: refuses a trust domain that is there twice, however it is written'),
    },
    {
      ...{ at: '5.1.1 c', level: 'MUST', binds: 'minter' },
      text: 'No trust domain is in a map twice.',
      tests: map('is not written with two bundles of one trust domain, or with one that a name alone cannot mean'),
    },
    {
      ...{ at: '5.1.1 d', level: 'SHOULD', binds: 'minter' },
      text: 'Bundles in a map have no refresh hint.',
      tests: map('is written without refresh hints and reads back as it was, with a sequence of 64 bits'),
    },
    {
      ...{ at: '5.1.1 e', level: 'MUST NOT', binds: 'verifier' },
      text: 'The refresh hint of a bundle in a map does not say when the map is read again.',
      tests: map('section 5.1.1: does not hand on the refresh hint of a bundle in the map'),
    },
  ],
  others: [
    {
      ...{ at: '4.2 b', level: 'MUST', binds: 'who writes an SVID specification' },
      text: 'Each specification says which `use` its keys have.',
    },
  ],
};
