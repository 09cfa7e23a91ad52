import { type SpecDocument, testsIn } from '../spec-map.js';

const client = testsIn('broker-api/client');
const source = testsIn('broker-api/sources');

const EVERY_CALL = 'makes every call, each with its reference and with the security header once';
const address = (text: string): string => `SPIFFE_Broker_Endpoint section 4: ${text} is *`;

export const brokerEndpoint: SpecDocument = {
  name: 'Broker-Endpoint',
  revision: 'incubating, July 2026',
  clauses: [
    { ...{ at: '3 a', level: 'MUST', binds: 'client' }, text: 'It speaks gRPC.', tests: client(EVERY_CALL) },
    {
      ...{ at: '3 b', level: 'MUST', binds: 'client' },
      text: 'Every call has the metadata `broker.spiffe.io: true`.',
      tests: client(EVERY_CALL),
    },
    {
      ...{ at: '3.1 a', level: 'MUST', binds: 'client' },
      text: 'The connection is mutual TLS, with an identity and bundles that were had before.',
      tests: client(
        EVERY_CALL,
        'SPIFFE_Broker_Endpoint section 3.1: *',
        'is presented the newest SVID on a new connection',
      ),
    },
    {
      ...{ at: '4 a', level: 'MUST', binds: 'client' },
      text: 'Where no address is configured, `SPIFFE_BROKER_SOCKET` has it.',
      tests: client('SPIFFE_Broker_Endpoint section 4: comes from the environment where none is given'),
    },
    {
      ...{ at: '4 b', level: 'MUST', binds: 'client' },
      text: 'The scheme is `unix` or `tcp`.',
      tests: client(address('https://broker.example.com:8443'), address('unix:///run/broker.sock')),
    },
    {
      ...{ at: '4 c', level: 'MUST NOT', binds: 'client' },
      text: 'With `unix` there is no authority, and no other part than the path.',
      tests: client(
        address('unix://host/run/broker.sock'),
        address('unix:///run/broker.sock?x'),
        address('unix:///run/broker.sock#x'),
      ),
    },
    {
      ...{ at: '4 d', level: 'MUST', binds: 'client' },
      text: 'With `unix` the path is there and absolute.',
      tests: client(address('unix:run/broker.sock')),
    },
    {
      ...{ at: '4 e', level: 'MUST', binds: 'client' },
      text: 'With `tcp` the host is an IP address or a DNS name.',
      tests: client(
        address('tcp://127.0.0.1:8000'),
        address('tcp://[::1]:8000'),
        address('tcp://broker.example.com:8443'),
        address('tcp://256.0.0.1:8443'),
        address('tcp://broker..com:8443'),
        'SPIFFE_Broker_Endpoint section 3: can be a TCP port',
      ),
    },
    {
      ...{ at: '4 f', level: 'MUST', binds: 'client' },
      text: 'With `tcp` there is a port, and nothing behind it.',
      tests: client(
        address('tcp://broker.example.com'),
        address('tcp://127.0.0.1:8000/foo'),
        address('tcp://user@broker.example.com:8443'),
      ),
    },
    {
      ...{ at: '5 a', level: 'MUST', binds: 'client' },
      text: 'The endpoint’s certificate is verified as an X.509-SVID.',
      tests: client('SPIFFE_Broker_Endpoint section 5: is asked nothing unless the bundles verify it'),
    },
    {
      ...{ at: '5 b', level: 'MUST', binds: 'client' },
      text: 'The endpoint’s SPIFFE ID is the expected one.',
      tests: client('SPIFFE_Broker_Endpoint section 5: is asked nothing unless its identity is the expected one'),
    },
    {
      ...{ at: '6 a', level: 'SHOULD NOT', binds: 'client' },
      text: 'Nothing is retried after InvalidArgument; the error is reported.',
      tests: [
        ...source('SPIFFE_Broker_Endpoint section 6: does not ask again after invalidArgument'),
        ...client('SPIFFE_Broker_Endpoint section 6: invalidArgument is invalid_argument'),
      ],
    },
    {
      ...{ at: '6 b', level: 'SHOULD', binds: 'client' },
      text: 'Own credentials are renewed before the next attempt after Unauthenticated.',
      tests: client('is presented the newest SVID on a new connection'),
    },
    {
      ...{ at: '6 c', level: 'SHOULD NOT', binds: 'client' },
      text: 'There is no attempt with the same certificate after Unauthenticated.',
      tests: [],
      gap: 'SPIRE also says Unauthenticated of a workload that it could not attest; sources ask again with a backoff.',
    },
    {
      ...{ at: '7 a', level: 'SHOULD', binds: 'client' },
      text: 'Without reflection, no services but the standard’s are assumed.',
      tests: client(EVERY_CALL),
    },
  ],
  others: [
    { ...{ at: '2 a', level: 'SHOULD', binds: 'the endpoint' }, text: 'Only the intended brokers can reach it.' },
    { ...{ at: '3 c', level: 'MUST', binds: 'the endpoint' }, text: 'Calls without the metadata are refused.' },
    { ...{ at: '5 c', level: 'MUST', binds: 'the endpoint' }, text: 'Only authorized callers can connect.' },
    { ...{ at: '6 d', level: 'MUST', binds: 'the endpoint' }, text: 'It says InvalidArgument to such calls.' },
    { ...{ at: '7 b', level: 'MUST', binds: 'the endpoint' }, text: 'It serves the Broker API.' },
    { ...{ at: '7 c', level: 'SHOULD', binds: 'the endpoint' }, text: 'It serves gRPC reflection.' },
  ],
};
