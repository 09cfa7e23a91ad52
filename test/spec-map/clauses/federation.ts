import { type SpecDocument, testsIn } from '../spec-map.js';

const fetching = testsIn('federation/fetch-spiffe-bundle');
const source = testsIn('federation/federated-bundle-source');
const handler = testsIn('federation/bundle-endpoint-handler');

const SERVER = 'who runs the TLS server around the endpoint';
const OPERATOR = 'operator of a trust domain';
const PLANE = 'control plane';

const REDIRECTS = 'section 5.2.1.4: follows a redirect *';
const WEB_IDENTITY = [
  'section 5.2.1.4: compares the host of the URL with the certificate, an address or a name',
  'section 5.2.1.4: refuses a certificate of an authority that is not trusted, whatever the environment says',
];
const SPIFFE_IDENTITY = [
  'verifies the SPIFFE ID of the endpoint and no name',
  'section 5.2.2.4: refuses every SPIFFE ID but the one configured',
  'section 5.2.2.4: refuses an SVID of an authority that is not in the bundle, and a web certificate',
  'refuses an SVID that has expired',
];
const SAME_ID = 'section 5.2.2.3: follows a redirect only to a server with the same SPIFFE ID';
const NEWEST = [
  'section 5.2.2.4: verifies each fetch with the bundle of the one before, through a rotation',
  'section 5.2.2.4: does not fall back on the bootstrap once a bundle was fetched',
];
const OWN_DOMAIN = 'gives the bundle of its own trust domain, of every kind, and of no other';
const STRAIGHT = 'section 7.5.1: follows no redirect where that was asked for';
const SERVES = 'answers GET with the newest bundle in JSON';

export const federation: SpecDocument = {
  name: 'Federation',
  revision: 'SPIFFE Federation, stable, July 2026',
  clauses: [
    {
      ...{ at: '4.1 a', level: 'SHOULD', binds: 'client' },
      text: 'The endpoint is polled, as often as the refresh hint says, every five minutes where there is none.',
      tests: source('section 4.1: looks again after a hint of *', 'gives the same object while nothing changes*'),
    },
    {
      ...{ at: '4.2 a', level: 'SHOULD', binds: 'client' },
      text: 'The newest bundle is stored.',
      tests: source('section 6.2: keeps the last good bundle*', 'can start again from the bundle that was held last'),
    },
    {
      ...{ at: '4.2 b', level: 'SHOULD', binds: 'client' },
      text: 'The sequence number says which of two bundles is newer; without one it is the last that was fetched.',
      tests: source('section 4.2: *', 'compares sequences of 64 bits exactly'),
    },
    {
      ...{ at: '4.2 c', level: 'MUST NOT', binds: 'client' },
      text: 'Bundles of different trust domains are never merged.',
      tests: source(OWN_DOMAIN),
    },
    {
      ...{ at: '5 a', level: 'MUST', binds: 'client' },
      text: 'Both profiles are supported.',
      tests: [
        ...fetching('gets the bundle of the trust domain that was configured'),
        ...fetching('verifies the SPIFFE ID of the endpoint and no name'),
      ],
    },
    {
      ...{ at: '5.1 a', level: 'MUST', binds: 'client' },
      text: 'URL, profile and trust domain are configured, each for itself.',
      tests: fetching('sections 5.1, 7.2: takes none of the parameters from another'),
    },
    {
      ...{ at: '5.2.1.1 a', level: 'MUST', binds: 'client' },
      text: 'The URL has the scheme `https` and no user information, in either profile.',
      tests: fetching('sections 5.2.1.1, 5.2.2.1: *'),
    },
    {
      ...{ at: '5.2.1.2 a', level: 'MUST NOT', binds: 'client' },
      text: '`https_web` needs no parameters of its own.',
      tests: fetching(
        'section 5.2.1.4: refuses a certificate of an authority that is not trusted, whatever the environment says',
      ),
    },
    {
      ...{ at: '5.2.1.3 a', level: 'MUST', binds: 'endpoint' },
      text: 'GET on the right path is answered with the newest bundle in UTF-8.',
      tests: handler(SERVES, 'serves one path alone: *'),
    },
    {
      ...{ at: '5.2.1.3 b', level: 'SHOULD', binds: 'endpoint' },
      text: 'The answer is of the type `application/json`.',
      tests: handler(SERVES),
    },
    {
      ...{ at: '5.2.1.4 a', level: 'MUST', binds: 'client' },
      text: 'The server proves the host of the URL by a certificate of a trusted authority.',
      tests: fetching(...WEB_IDENTITY, 'section 5.2.1.4: does not take *'),
    },
    {
      ...{ at: '5.2.1.4 b', level: 'SHOULD', binds: 'client' },
      text: 'Redirects to what may be the URL of an endpoint are followed, and none besides.',
      tests: fetching(REDIRECTS, 'sections 5.2.1.3, 7.5.1: *', 'gives up on a circle of redirects', STRAIGHT),
    },
    {
      ...{ at: '5.2.1.4 c', level: 'MUST', binds: 'client' },
      text: 'The target of a redirect is held to the same TLS rules.',
      tests: fetching('section 5.2.1.4: holds the target of a redirect to the same TLS rules', SAME_ID),
    },
    {
      ...{ at: '5.2.1.4 d', level: 'SHOULD', binds: 'client' },
      text: 'Every refresh begins at the configured URL.',
      tests: source('section 5.2.1.4: begins every fetch at the configured URL'),
    },
    {
      ...{ at: '5.2.2.2 a', level: 'MUST', binds: 'client' },
      text: '`https_spiffe` is configured with the SPIFFE ID of the endpoint and a way to its bundle.',
      tests: fetching('refuses a profile with *', 'says that it has nothing to verify the endpoint with*'),
    },
    {
      ...{ at: '5.2.2.2 b', level: 'MUST', binds: 'client' },
      text: 'The bootstrap may be a SPIFFE bundle document.',
      tests: fetching('section 5.2.2.2: takes the bootstrap as SPIFFE bundle*'),
    },
    {
      ...{ at: '5.2.2.2 c', level: 'MUST', binds: 'client' },
      text: 'Where the endpoint is in another trust domain, that one is configured separately.',
      tests: [
        ...fetching('section 5.2.2.2: verifies an endpoint of another trust domain with the bundle of that one'),
        ...source('section 5.2.2.2: *'),
      ],
    },
    {
      ...{ at: '5.2.2.3 a', level: 'MUST', binds: 'endpoint' },
      text: 'GET on the right path is answered with the newest bundle in UTF-8.',
      tests: handler(SERVES),
    },
    {
      ...{ at: '5.2.2.4 a', level: 'MUST', binds: 'client' },
      text: 'The server proves the SPIFFE ID that is configured, with a valid X.509-SVID.',
      tests: fetching(...SPIFFE_IDENTITY),
    },
    {
      ...{ at: '5.2.2.4 b', level: 'MUST', binds: 'client' },
      text: 'A self-serving endpoint is verified with the newest bundle that was fetched.',
      tests: source(...NEWEST),
    },
    {
      ...{ at: '5.2.2.4 c', level: 'MUST', binds: 'client' },
      text: 'The target of a redirect proves the same SPIFFE ID.',
      tests: fetching(SAME_ID),
    },
    {
      ...{ at: '6.2 a', level: 'SHOULD', binds: 'client' },
      text: 'After a failed poll the next one comes with the next interval.',
      tests: source('section 6.2: after a failure waits for the next interval, when it holds a bundle'),
    },
  ],
  others: [
    { ...{ at: '4.1 b', level: 'SHOULD', binds: OPERATOR }, text: 'New keys are published several refreshes ahead.' },
    { ...{ at: '4.1 c', level: 'MUST', binds: OPERATOR }, text: 'New keys are published before they are used.' },
    {
      ...{ at: '5 b', level: 'MUST', binds: SERVER },
      text: "TLS is set up as Mozilla's intermediate compatibility says.",
    },
    {
      ...{ at: '5.1 b', level: 'MUST', binds: PLANE },
      text: 'Bundles go to workloads together with the name of their trust domain.',
    },
    {
      ...{ at: '5.2.1.3 c', level: 'MUST', binds: SERVER },
      text: 'The certificate has the name or address of the endpoint.',
    },
    { ...{ at: '5.2.1.3 d', level: 'MUST NOT', binds: SERVER }, text: 'Clients are not asked who they are.' },
    { ...{ at: '5.2.2.3 b', level: 'MUST', binds: SERVER }, text: 'The certificate is a valid X.509-SVID.' },
  ],
};
