import { type SpecDocument, testsIn } from '../spec-map.js';

const dev = testsIn('dev/workload-service');
const changes = testsIn('dev/changes');
const client = testsIn('workload-api/client');
const messages = testsIn('workload-api/messages');
const x509 = testsIn('workload-api/x509-source');
const jwt = testsIn('workload-api/jwt-source');
const wit = testsIn('workload-api/wit-source');
const bundles = testsIn('workload-api/bundle-source');

const WITHDRAWN = 'ends every stream and refuses every call while it is withdrawn';
const HINTS = 'refuses hints that clash or are too long, and identities of other trust domains';
const ROTATED = 'reaches every open stream with the same new credentials';
const REPLACED = 'replaces everything with it';
const DENIED = 'presents nothing any more, and the identity again when it is granted again';
const DROPPED = 'drops a trust domain that is no longer delivered';
const KINDS = 'has the bundles of every kind, each for its own use';
const WIT_DENIED = 'withdraws the SVID on PermissionDenied, and the bundles on theirs';

export const workloadApi: SpecDocument = {
  name: 'Workload-API',
  revision: 'stable, WIT-SVID profile incubating, July 2026',
  clauses: [
    {
      ...{ at: '1 a', level: 'MUST', binds: 'endpoint' },
      text: 'The X.509-SVID and JWT-SVID profiles are served.',
      tests: dev('Workload API section 5: X.509-SVIDs*', 'Workload API section 6: JWT-SVIDs*'),
    },
    {
      ...{ at: '2 a', level: 'MUST NOT', binds: 'endpoint' },
      text: 'The service has no RPC of our own.',
      tests: dev('covers every RPC of the service'),
    },
    {
      ...{ at: '4.2 a', level: 'SHOULD', binds: 'client' },
      text: 'A stream stays open as long as possible.',
      tests: [
        ...x509('gives a hung agent up after firstMessageTimeoutMs, and tries again', REPLACED),
        ...client('times out when nothing comes, but not between messages'),
      ],
    },
    {
      ...{ at: '4.2 b', level: 'SHOULD', binds: 'client' },
      text: 'A stream that was lost is opened again.',
      tests: x509('keeps the identity and connects again', 'keeps the identity while the endpoint is away*'),
    },
    {
      ...{ at: '4.3 a', level: 'MUST', binds: 'endpoint' },
      text: 'Every message of a stream is complete.',
      tests: changes(ROTATED, 'adds the bundle of a foreign trust domain to every stream and takes it back'),
    },
    {
      ...{ at: '4.3 b', level: 'SHOULD', binds: 'endpoint' },
      text: 'Messages follow from what changes the answer.',
      tests: changes(
        ROTATED,
        'says nothing when nothing changed',
        'leaves the other workloads alone when one is rotated',
      ),
    },
    {
      ...{ at: '4.3 c', level: 'MUST', binds: 'endpoint' },
      text: 'A request is answered at once with a first message.',
      tests: [
        ...dev('delivers every identity, the default one first, with chain, key, bundle and hint'),
        ...changes('leaves the other workloads alone when one is rotated'),
      ],
    },
    {
      ...{ at: '4.4 a', level: 'MUST', binds: 'client' },
      text: 'An empty field is empty.',
      tests: x509(REPLACED),
    },
    {
      ...{ at: '4.4 b', level: 'MUST NOT', binds: 'client' },
      text: 'Nothing is kept from an earlier message.',
      tests: [...x509(REPLACED), ...bundles(DROPPED)],
    },
    {
      ...{ at: '4.4 c', level: 'SHOULD', binds: 'client' },
      text: 'What is missing is taken back.',
      tests: [...x509(REPLACED), ...bundles(DROPPED)],
    },
    {
      ...{ at: '4.5 a', level: 'SHOULD', binds: 'endpoint' },
      text: 'A request with an empty mandatory field is answered with InvalidArgument.',
      tests: dev(
        'Workload API section 6: JWT-SVIDs > refuses no audience',
        'Workload API section 6: JWT-SVIDs > refuses an empty audience',
        'refuses to validate what our verifier refuses',
      ),
    },
    {
      ...{ at: '4.5 b', level: 'SHOULD', binds: 'client' },
      text: 'A message with an empty mandatory field is reported and dropped.',
      tests: [
        ...x509('refuses an empty field, reports it, and keeps the last good one on the same stream'),
        ...messages(
          'is refused as a whole for no SVID',
          'is refused as a whole for no SPIFFE ID',
          'is refused as a whole for no certificate',
          'is refused as a whole for no key',
          'is refused as a whole for no bundle',
          'is refused as a whole for no token',
          'must have a bundle',
          'is refused for what is missing or does not belong together',
          'needs both its fields',
        ),
      ],
    },
    {
      ...{ at: '5.1 a', level: 'MUST', binds: 'client' },
      text: 'The leaf is the first certificate.',
      tests: testsIn('x509-svid/path')('the leaf is the first certificate, not the best one'),
    },
    {
      ...{ at: '5.1 b', level: 'MUST', binds: 'client' },
      text: 'The private key is unencrypted PKCS#8.',
      tests: [
        ...testsIn('x509-svid/parse-x509-svid')('a private key in another form, with more behind it, or none'),
        ...testsIn('x509-svid/x509-svid-standard')('SPIFFE_Workload_API section 5.1: a private key is not encrypted'),
      ],
    },
    {
      ...{ at: '5.2.1 a', level: 'MUST', binds: 'client' },
      text: 'Bundles of this RPC verify X.509-SVIDs only.',
      tests: [...bundles(KINDS), ...messages('hold each kind for itself')],
    },
    {
      ...{ at: '5.2.1 b', level: 'MUST', binds: 'client' },
      text: 'An answer has at least one SVID.',
      tests: messages(
        'the answer of FetchX509SVID (SPIFFE_Workload_API section 5.2.1) > is refused as a whole for no SVID',
      ),
    },
    {
      ...{ at: '5.2.1 c', level: 'MUST', binds: 'endpoint' },
      text: 'Hints are unique.',
      tests: changes(HINTS),
    },
    {
      ...{ at: '5.2.1 d', level: 'SHOULD', binds: 'client' },
      text: 'Of SVIDs with one hint the first is taken.',
      tests: messages('of SVIDs with the same hint keeps the first; empty hints are none'),
    },
    {
      ...{ at: '5.2.1 e', level: 'SHOULD', binds: 'endpoint' },
      text: 'Who is entitled to nothing gets PermissionDenied.',
      tests: changes(WITHDRAWN),
    },
    {
      ...{ at: '5.2.1 f', level: 'SHOULD', binds: 'client' },
      text: 'SVIDs that were taken back, or denied, are used no more.',
      tests: x509(REPLACED, DENIED, 'withdraws also when it says so to a stream that is opened again'),
    },
    {
      ...{ at: '5.2.2 a', level: 'MUST', binds: 'client' },
      text: 'Bundles of this RPC verify X.509-SVIDs only.',
      tests: bundles(KINDS),
    },
    {
      ...{ at: '5.2.2 b', level: 'MUST', binds: 'endpoint' },
      text: 'The bundle of the own trust domain is among them.',
      tests: dev('delivers the bundle of the trust domain under its SPIFFE ID'),
    },
    {
      ...{ at: '5.2.2 c', level: 'SHOULD', binds: 'endpoint' },
      text: 'Who is entitled to nothing gets PermissionDenied.',
      tests: changes(WITHDRAWN),
    },
    {
      ...{ at: '5.2.2 d', level: 'SHOULD', binds: 'client' },
      text: 'Bundles that were taken back, or denied, are used no more.',
      tests: bundles(DROPPED, 'withdraws one kind on PermissionDenied, keeps all while the endpoint is away'),
    },
    {
      ...{ at: '6.2.1 a', level: 'MUST', binds: 'client' },
      text: 'A request names an audience.',
      tests: client('knows a mistaken caller from a failing endpoint'),
    },
    {
      ...{ at: '6.2.1 b', level: 'MUST', binds: 'endpoint' },
      text: 'Without a SPIFFE ID there is a token for every identity.',
      tests: dev('Workload API section 6: JWT-SVIDs > delivers a token for every identity'),
    },
    {
      ...{ at: '6.2.1 c', level: 'MUST', binds: 'endpoint' },
      text: 'An answer has at least one token.',
      tests: dev('delivers a token for the identity that is asked for'),
    },
    {
      ...{ at: '6.2.1 d', level: 'MUST', binds: 'client' },
      text: 'An answer without a token, or for another audience, is refused.',
      tests: [
        ...messages('is refused for what is missing or does not belong together'),
        ...jwt('about another identity, for another audience, or expired is refused'),
      ],
    },
    {
      ...{ at: '6.2.1 e', level: 'MUST', binds: 'endpoint' },
      text: 'Hints are unique.',
      tests: changes(HINTS),
    },
    {
      ...{ at: '6.2.1 f', level: 'SHOULD', binds: 'client' },
      text: 'Of tokens with one hint the first is taken.',
      tests: messages('has hints, the first of each'),
    },
    {
      ...{ at: '6.2.1 g', level: 'SHOULD', binds: 'endpoint' },
      text: 'An identity that the caller does not have is PermissionDenied.',
      tests: [...dev('refuses the identity of another workload'), ...changes(WITHDRAWN)],
    },
    {
      ...{ at: '6.2.2 a', level: 'MUST', binds: 'client' },
      text: 'Bundles of this RPC verify JWT-SVIDs only.',
      tests: [...bundles(KINDS), ...testsIn('bundle/key-bundle')('JWT and WIT bundles are not interchangeable')],
    },
    {
      ...{ at: '6.2.2 b', level: 'MUST', binds: 'endpoint' },
      text: 'The bundle of the own trust domain is among them.',
      tests: dev('delivers JWK Sets as SPIRE does: with kid, without use and alg'),
    },
    {
      ...{ at: '6.2.2 c', level: 'MUST NOT', binds: 'endpoint' },
      text: 'Bundles hold no keys for other uses.',
      tests: dev('delivers JWK Sets as SPIRE does: with kid, without use and alg'),
    },
    {
      ...{ at: '6.2.2 d', level: 'MUST NOT', binds: 'client' },
      text: 'Keys marked for other uses are not taken.',
      tests: messages('threat 9: a JWT bundle takes no key that is marked for another use'),
    },
    {
      ...{ at: '6.2.2 e', level: 'SHOULD', binds: 'endpoint' },
      text: 'Who is entitled to nothing gets PermissionDenied.',
      tests: changes(WITHDRAWN),
    },
    {
      ...{ at: '6.2.2 f', level: 'SHOULD', binds: 'client' },
      text: 'Bundles that were taken back, or denied, are used no more.',
      tests: [...bundles(DROPPED), ...testsIn('workload-api/spiffe-workload-api')('section 6.2.2: *')],
    },
    {
      ...{ at: '6.2.3 a', level: 'MUST', binds: 'endpoint' },
      text: 'A token is validated as JWT-SVID says.',
      tests: dev('validates a token and gives its claims', 'refuses to validate what our verifier refuses'),
    },
    {
      ...{ at: '6.2.3 b', level: 'SHOULD', binds: 'endpoint' },
      text: 'The answer has the claims of the token.',
      tests: dev('validates a token and gives its claims'),
    },
    {
      ...{ at: '6.3 a', level: 'SHOULD', binds: 'client' },
      text: 'The endpoint can be asked to validate a token.',
      tests: client('gets JWT-SVIDs, all or the one asked for, and has them validated'),
    },
    {
      ...{ at: '6.3 b', level: 'MUST', binds: 'verifier' },
      text: 'A token is verified with the bundle of its subject’s trust domain; without one it is not trusted.',
      tests: testsIn('jwt-svid/jwt-svid-standard')(
        'threat 7: the keys of one trust domain never verify a subject of another, whatever the kid',
      ),
    },
    {
      ...{ at: '7 a', level: 'MUST', binds: 'endpoint' },
      text: 'Where the WIT-SVID profile is not served, its RPCs answer Unimplemented.',
      tests: dev('answers Unimplemented where the profile is not served, and serves the others'),
    },
    {
      ...{ at: '7 b', level: 'SHOULD NOT', binds: 'client' },
      text: 'After Unimplemented the profile is not asked for again.',
      tests: [
        ...wit('rejects ready() with unimplemented at once after status 12, and asks no more'),
        ...bundles('does without WIT bundles where the profile is not served'),
      ],
    },
    {
      ...{ at: '7.1 a', level: 'MUST', binds: 'endpoint' },
      text: 'Every key of a WIT bundle has a `kid`.',
      tests: dev('Workload API section 7: WIT-SVIDs > delivers JWK Sets with kid'),
    },
    {
      ...{ at: '7.2.1 a', level: 'MUST', binds: 'endpoint' },
      text: 'Without a SPIFFE ID there is a WIT-SVID for every identity.',
      tests: dev('delivers a token and its private key for every identity'),
    },
    {
      ...{ at: '7.2.1 b', level: 'MUST', binds: 'client' },
      text: 'An answer has at least one WIT-SVID.',
      tests: messages(
        'the answer of FetchWITSVID (SPIFFE_Workload_API section 7.2.1) > is refused as a whole for no SVID',
      ),
    },
    {
      ...{ at: '7.2.1 c', level: 'MUST', binds: 'endpoint' },
      text: 'Hints are unique.',
      tests: changes(HINTS),
    },
    {
      ...{ at: '7.2.1 d', level: 'SHOULD', binds: 'client' },
      text: 'Of WIT-SVIDs with one hint the first is taken.',
      tests: messages('keeps order and hints, and the first of each hint'),
    },
    {
      ...{ at: '7.2.1 e', level: 'SHOULD', binds: 'endpoint' },
      text: 'Who is entitled to nothing gets PermissionDenied.',
      tests: [
        ...changes(WITHDRAWN),
        ...dev('Workload API section 7: WIT-SVIDs > refuses the identity spiffe://example.org/x'),
      ],
    },
    {
      ...{ at: '7.2.1 f', level: 'SHOULD', binds: 'client' },
      text: 'WIT-SVIDs that were taken back, or denied, are used no more.',
      tests: wit('announces what changed in either stream, and nothing repeated', WIT_DENIED),
    },
    {
      ...{ at: '7.2.2 a', level: 'MUST', binds: 'client' },
      text: 'Bundles of this RPC verify WIT-SVIDs only.',
      tests: [...bundles(KINDS), ...testsIn('bundle/key-bundle')('JWT and WIT bundles are not interchangeable')],
    },
    {
      ...{ at: '7.2.2 b', level: 'MUST', binds: 'endpoint' },
      text: 'The bundle of the own trust domain is among them.',
      tests: dev('Workload API section 7: WIT-SVIDs > delivers JWK Sets with kid'),
    },
    {
      ...{ at: '7.2.2 c', level: 'SHOULD', binds: 'endpoint' },
      text: 'Who is entitled to nothing gets PermissionDenied.',
      tests: changes(WITHDRAWN),
    },
    {
      ...{ at: '7.2.2 d', level: 'SHOULD', binds: 'client' },
      text: 'Bundles that were taken back, or denied, are used no more.',
      tests: wit(WIT_DENIED),
    },
    {
      ...{ at: '8 a', level: 'SHOULD NOT', binds: 'endpoint' },
      text: 'Hints of more than 1024 bytes are not supported.',
      tests: changes(HINTS),
    },
  ],
  others: [],
};
