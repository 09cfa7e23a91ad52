import { type SpecDocument, testsIn } from '../spec-map.js';

const dev = testsIn('dev/workload-service');
const sockets = testsIn('dev/sockets');
const changes = testsIn('dev/changes');
const address = testsIn('workload-api/endpoint-address');
const client = testsIn('workload-api/client');
const transport = testsIn('workload-api/grpc-transport');
const source = testsIn('workload-api/x509-source');
const wit = testsIn('workload-api/wit-source');

const LOCAL = 'are for this user alone, short, one for each workload, and gone after close';

export const workloadEndpoint: SpecDocument = {
  name: 'Workload-Endpoint',
  revision: 'stable, July 2026',
  clauses: [
    {
      ...{ at: '2 a', level: 'SHOULD', binds: 'endpoint' },
      text: 'The endpoint is local.',
      tests: sockets(LOCAL, 'are not made at tcp://0.0.0.0:0', 'are not made at tcp://192.0.2.1:8000'),
    },
    {
      ...{ at: '2 b', level: 'SHOULD NOT', binds: 'endpoint' },
      text: 'One endpoint does not serve several hosts.',
      tests: sockets('are not made at tcp://0.0.0.0:0', 'can be TCP ports of loopback'),
    },
    {
      ...{ at: '3 a', level: 'MUST', binds: 'endpoint' },
      text: 'It speaks gRPC.',
      tests: dev('Workload API section 5: X.509-SVIDs*'),
    },
    {
      ...{ at: '3 b', level: 'MUST', binds: 'client' },
      text: 'It speaks gRPC.',
      tests: transport('carries requests and answers', 'streams in order, and ends as the server ends'),
    },
    {
      ...{ at: '3 c', level: 'SHOULD', binds: 'endpoint' },
      text: 'Unix sockets are preferred.',
      tests: sockets(LOCAL),
    },
    {
      ...{ at: '3 d', level: 'MUST NOT', binds: 'endpoint' },
      text: 'TCP is not used where the network does not tell who calls.',
      tests: sockets(
        'are not made at tcp://0.0.0.0:0',
        'are not made at tcp://192.0.2.1:8000',
        'are not made at tcp://localhost:0',
        'can be TCP ports of loopback',
      ),
    },
    {
      ...{ at: '3 e', level: 'MUST', binds: 'client' },
      text: 'Every call has the metadata `workload.spiffe.io: true`.',
      tests: [
        ...transport('sends the metadata and the authority "localhost" with every call'),
        ...testsIn('workload-api/spiffe-workload-endpoint')('section 3: *'),
      ],
    },
    {
      ...{ at: '3 f', level: 'MUST', binds: 'endpoint' },
      text: 'A call without it is refused.',
      tests: dev('SPIFFE_Workload_Endpoint section 3: the security header*'),
    },
    {
      ...{ at: '3.1 a', level: 'MUST NOT', binds: 'endpoint' },
      text: 'Transport security is not required.',
      tests: [...dev('Workload API section 5: X.509-SVIDs*'), ...sockets('can be TCP ports of loopback')],
    },
    {
      ...{ at: '4 a', level: 'MUST', binds: 'client' },
      text: 'Without an address, `SPIFFE_ENDPOINT_SOCKET` is used.',
      tests: address('SPIFFE_ENDPOINT_SOCKET is used', 'an unset and an empty variable are told apart*'),
    },
    {
      ...{ at: '4 b', level: 'MUST', binds: 'client' },
      text: 'The scheme is `unix` or `tcp`.',
      tests: address('"blah:" is refused*', '"http://127.0.0.1:8000" is refused*', '"unix-abstract:name" is refused*'),
    },
    {
      ...{ at: '4 c', level: 'MUST NOT', binds: 'client' },
      text: 'A `unix` address has no authority.',
      tests: address(
        '"unix://foo" is refused*',
        '"unix://foo/path" is refused*',
        '"unix://localhost/path" is refused*',
      ),
    },
    {
      ...{ at: '4 d', level: 'MUST', binds: 'client' },
      text: 'A `unix` address has an absolute path and nothing else.',
      tests: address(
        'unix:///run/spire/agent.sock is accepted',
        '"unix:opaque" is refused*',
        '"unix:///path?whatever" is refused*',
        '"unix://john:doe@foo/path" is refused*',
      ),
    },
    {
      ...{ at: '4 e', level: 'MUST', binds: 'client' },
      text: 'The host of a `tcp` address is an IP address.',
      tests: address('tcp://1.2.3.4:5 is accepted', 'tcp://[::1]:8000 is accepted', '"tcp://foo:80" is refused*'),
    },
    {
      ...{ at: '4 f', level: 'MUST', binds: 'client' },
      text: 'A `tcp` address has a port and nothing after it.',
      tests: address(
        '"tcp://1.2.3.4" is refused*',
        '"tcp://1.2.3.4:" is refused*',
        '"tcp://1.2.3.4:5/path" is refused*',
        '"tcp://1.2.3.4:5?whatever" is refused*',
      ),
    },
    {
      ...{ at: '5 a', level: 'MUST NOT', binds: 'endpoint' },
      text: 'Callers need not authenticate.',
      tests: dev('Workload API section 5: X.509-SVIDs*'),
    },
    {
      ...{ at: '5 b', level: 'SHOULD', binds: 'endpoint' },
      text: 'Who calls is established out of band: each workload has a socket of its own, for one user.',
      tests: sockets(LOCAL),
    },
    {
      ...{ at: '5 c', level: 'MUST NOT', binds: 'endpoint' },
      text: 'The workload takes no part in that.',
      tests: dev('Workload API section 5: X.509-SVIDs*'),
    },
    {
      ...{ at: '6 a', level: 'MUST', binds: 'endpoint' },
      text: 'Without the security header the answer is InvalidArgument.',
      tests: dev('SPIFFE_Workload_Endpoint section 3: the security header*'),
    },
    {
      ...{ at: '6 b', level: 'SHOULD NOT', binds: 'client' },
      text: 'After InvalidArgument it does not try again.',
      tests: source('reports status 3, asks no more and rejects ready() at once'),
    },
    {
      ...{ at: '6 c', level: 'SHOULD', binds: 'endpoint' },
      text: 'Without an identity the answer is PermissionDenied.',
      tests: changes('ends every stream and refuses every call while it is withdrawn'),
    },
    {
      ...{ at: '7 a', level: 'MUST NOT', binds: 'endpoint' },
      text: 'The Workload API is not extended.',
      tests: dev('covers every RPC of the service'),
    },
    {
      ...{ at: '7 b', level: 'MUST', binds: 'endpoint' },
      text: 'The Workload API is served.',
      tests: [
        ...dev('Workload API section 5: X.509-SVIDs*', 'Workload API section 6: JWT-SVIDs*'),
        ...testsIn('dev/client')('fetches everything there is'),
      ],
    },
    {
      ...{ at: '7 c', level: 'SHOULD', binds: 'endpoint' },
      text: 'Server reflection is supported.',
      tests: testsIn('dev/reflection')('section 7: *'),
    },
    {
      ...{ at: '7 d', level: 'SHOULD', binds: 'client' },
      text: 'Without server reflection it takes the Workload API for all there is.',
      tests: client('a client at an endpoint that does as the standard says*'),
    },
    {
      ...{ at: 'A a', level: 'MUST NOT', binds: 'client' },
      text: 'After Unimplemented it does not try again.',
      tests: [
        ...source('reports status 12, asks no more and rejects ready() at once'),
        ...wit('rejects ready() with unimplemented at once after status 12, and asks no more'),
      ],
    },
  ],
  others: [],
};
