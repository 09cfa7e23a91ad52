import { type SpecDocument, testsIn } from '../spec-map.js';

const client = testsIn('broker-api/client');
const source = testsIn('broker-api/sources');
const reference = testsIn('broker-api/reference');
const watch = testsIn('broker-api/process-identity');

const APART = source('SPIFFE_Broker_API section 4.2: *', 'made twice for one reference, know nothing of each other');
const kubernetes = (text: string): string => `SPIFFE_Broker_API section 3.1.3: an object of Kubernetes ${text}`;
const BY_NAME_OR_UID = kubernetes('by name, by UID, or by both');
const LAST_MESSAGE =
  'SPIFFE_Broker_API sections 5.2.2 and 6.2.2: are those of the last message, for their own workload';

export const brokerApi: SpecDocument = {
  name: 'Broker-API',
  revision: 'incubating, July 2026',
  clauses: [
    {
      ...{ at: '1 a', level: 'MUST', binds: 'client' },
      text: 'Both profiles are supported.',
      tests: client('makes every call, each with its reference and with the security header once'),
    },
    {
      ...{ at: '3.1.1 a', level: 'MUST', binds: 'client' },
      text: 'Every call has exactly one reference.',
      tests: [
        ...reference('SPIFFE_Broker_API section 3.1.1: is exactly one', 'has a type that says so'),
        ...client('makes every call, each with its reference and with the security header once'),
      ],
    },
    {
      ...{ at: '3.1.2 a', level: 'MUST', binds: 'client' },
      text: 'A local reference is not sent to another machine.',
      tests: reference(
        'SPIFFE_Broker_API section 3.1.2: *',
        'is recognised in the form for other types, and refused where it is none',
      ),
    },
    {
      ...{ at: '3.1.3 a', level: 'MUST', binds: 'client' },
      text: 'A process ID is a positive number.',
      tests: reference(
        'SPIFFE_Broker_API section 3.1.3: a process by its number',
        'SPIFFE_Broker_API section 3.1.3: 0 is no process ID',
        'SPIFFE_Broker_API section 3.1.3: -1 is no process ID',
      ),
    },
    {
      ...{ at: '3.1.3 b', level: 'MUST', binds: 'client' },
      text: 'A Kubernetes object has the plural and the group of its type; the group of core resources is `core`.',
      tests: reference(
        BY_NAME_OR_UID,
        kubernetes('with no type is refused'),
        kubernetes('with no plural is refused'),
        kubernetes('with no group is refused'),
      ),
    },
    {
      ...{ at: '3.1.3 c', level: 'MUST', binds: 'client' },
      text: 'Its key has a name, and a namespace where the resource has one.',
      tests: reference(
        BY_NAME_OR_UID,
        kubernetes('with a key without a name is refused'),
        kubernetes('with an empty namespace is refused'),
      ),
    },
    {
      ...{ at: '3.1.3 d', level: 'MUST', binds: 'client' },
      text: 'It has a key, a UID, or both; the UID is a UUID.',
      tests: reference(
        BY_NAME_OR_UID,
        kubernetes('with neither key nor UID is refused'),
        kubernetes('with a UID that is none is refused'),
      ),
    },
    {
      ...{ at: '4.2 a', level: 'MUST', binds: 'client' },
      text: 'Each workload is asked for by itself.',
      tests: APART,
    },
    {
      ...{ at: '4.2 b', level: 'MUST NOT', binds: 'client' },
      text: 'What came for one workload is neither used for another nor visible to it.',
      tests: APART,
    },
    {
      ...{ at: '4.2 c', level: 'MUST', binds: 'client' },
      text: 'Between two workloads of one broker, each side has its own SVID and bundles.',
      tests: APART,
    },
    {
      ...{ at: '4.3 a', level: 'SHOULD', binds: 'client' },
      text: 'Streams stay open, over one connection.',
      tests: source('SPIFFE_Broker_API section 4.2: each hold what came for their own, over one connection'),
    },
    {
      ...{ at: '4.3 b', level: 'SHOULD', binds: 'client' },
      text: 'A lost connection is made again.',
      tests: source(
        'keeps what it has while the endpoint is away, and comes back',
        'SPIFFE_Broker_Endpoint section 6: asks again after unavailable, with a backoff',
      ),
    },
    {
      ...{ at: '4.5 a', level: 'MUST', binds: 'client' },
      text: 'What has its default value is not there, or not any more.',
      tests: source(
        'SPIFFE_Broker_API section 4.7: of other trust domains come with the SVID, and go when they are left out',
        LAST_MESSAGE,
      ),
    },
    {
      ...{ at: '4.6 a', level: 'SHOULD', binds: 'client' },
      text: 'A message that lacks a mandatory field is reported and discarded.',
      tests: client('SPIFFE_Broker_API section 4.6: discards messages that lack a mandatory field'),
    },
    {
      ...{ at: '4.7 a', level: 'MUST', binds: 'client' },
      text: 'Federated bundles are used as those of the Workload API, for this workload only.',
      tests: source(
        'SPIFFE_Broker_API section 4.7: of other trust domains come with the SVID, and go when they are left out',
      ),
    },
    {
      ...{ at: '4.8 a', level: 'MUST', binds: 'client' },
      text: 'The status alone is enough to go by.',
      tests: [
        ...client(
          'SPIFFE_Broker_Endpoint section 6: invalidArgument *',
          'SPIFFE_Broker_Endpoint section 6: notFound *',
          'SPIFFE_Broker_Endpoint section 6: permissionDenied *',
        ),
        ...source('SPIFFE_Broker_API section 4.8: *'),
      ],
    },
    {
      ...{ at: '4.9 a', level: 'MUST', binds: 'client' },
      text: 'Nothing is done beyond the life of the workload; what came for it is dropped.',
      tests: [...source('SPIFFE_Broker_API section 4.9: *'), ...watch('is the same until it has ended')],
    },
    {
      ...{ at: '4.9 b', level: 'MUST', binds: 'client' },
      text: 'The workload of a process ID has stopped when that process has.',
      tests: watch('is not the one that got its number later', 'has ended when its state is Z'),
    },
    {
      ...{ at: '5.2.1 a', level: 'MUST NOT', binds: 'client' },
      text: 'X.509-SVIDs and their bundles are used for their own workload only.',
      tests: APART,
    },
    {
      ...{ at: '5.2.1 b', level: 'SHOULD', binds: 'client' },
      text: 'Of several X.509-SVIDs with one hint, the first is taken.',
      tests: client('SPIFFE_Broker_API section 5.2.1: of two SVIDs with one hint, takes the first'),
    },
    {
      ...{ at: '5.2.1 c', level: 'SHOULD', binds: 'client' },
      text: 'SVIDs that are left out or denied are used no more, and those of other workloads still are.',
      tests: source(
        'SPIFFE_Broker_API section 5.2.1: PermissionDenied *',
        'SPIFFE_Broker_API section 5.2.1: NotFound *',
        'SPIFFE_Broker_API section 5.2.1: an empty list *',
      ),
    },
    {
      ...{ at: '5.2.2 a', level: 'MUST', binds: 'client' },
      text: 'X.509 bundles authenticate X.509-SVIDs, for their own workload only.',
      tests: source(LAST_MESSAGE, 'has X.509 and JWT bundles, and loses each kind by itself'),
    },
    {
      ...{ at: '5.2.2 b', level: 'SHOULD', binds: 'client' },
      text: 'X.509 bundles that are left out or denied are used no more, and those of other workloads still are.',
      tests: source(LAST_MESSAGE),
    },
    {
      ...{ at: '5.3 a', level: 'MUST', binds: 'client' },
      text: 'Of several identities the first is the default, and each can be told by its hint.',
      tests: source('SPIFFE_Broker_API section 5.3: gives the first identity, or the one picked by hint'),
    },
    {
      ...{ at: '6.2.1 a', level: 'SHOULD', binds: 'client' },
      text: 'Of several JWT-SVIDs with one hint, the first is taken.',
      tests: client('SPIFFE_Broker_API section 6.2.1: of two JWT-SVIDs with one hint, takes the first'),
    },
    {
      ...{ at: '6.2.1 b', level: 'MUST', binds: 'client' },
      text: 'At least one audience is asked for.',
      tests: client('gives no JWT-SVID but of the identity and audience asked for, whatever comes'),
    },
    {
      ...{ at: '6.2.2 a', level: 'MUST', binds: 'client' },
      text: 'JWT bundles authenticate JWT-SVIDs, for their own workload only.',
      tests: source(LAST_MESSAGE, 'has X.509 and JWT bundles, and loses each kind by itself'),
    },
    {
      ...{ at: '6.2.2 b', level: 'SHOULD', binds: 'client' },
      text: 'JWT bundles that are left out or denied are used no more, and those of other workloads still are.',
      tests: source(LAST_MESSAGE),
    },
  ],
  others: [
    { ...{ at: '3.1 a', level: 'MUST', binds: 'the broker' }, text: 'A reference means one workload at any time.' },
    {
      ...{ at: '3.1 b', level: 'MUST NOT', binds: 'the broker' },
      text: 'A Kubernetes object is not asked for at the endpoint of another cluster.',
    },
    {
      ...{ at: '3.1.1 b', level: 'MUST', binds: 'the endpoint' },
      text: 'It refuses calls without a reference, or with one of a type it does not know.',
    },
    {
      ...{ at: '3.1.1 c', level: 'MUST', binds: 'the endpoint' },
      text: 'It finds out about the workload by itself.',
    },
    {
      ...{ at: '3.1.4 a', level: 'SHOULD', binds: 'whoever adds types of references' },
      text: 'They are documented.',
    },
    { ...{ at: '4.1 a', level: 'MUST', binds: 'the endpoint' }, text: 'Only callers that are allowed are served.' },
    { ...{ at: '4.4 a', level: 'MUST', binds: 'the endpoint' }, text: 'Every message is complete.' },
    { ...{ at: '4.4 b', level: 'MUST', binds: 'the endpoint' }, text: 'The first message comes at once.' },
    {
      ...{ at: '4.4 c', level: 'SHOULD', binds: 'the broker' },
      text: 'Updates are handed on to many workloads with jitter.',
    },
    { ...{ at: '4.8 b', level: 'MUST', binds: 'the endpoint' }, text: 'It says by status why there is nothing.' },
    { ...{ at: '4.9 c', level: 'MUST', binds: 'the endpoint' }, text: 'It sends nothing once the workload stopped.' },
    { ...{ at: '5.3 b', level: 'MUST', binds: 'the broker' }, text: 'Workloads get several identities with hints.' },
  ],
};
