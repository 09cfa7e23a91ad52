import { type SpecDocument, testsIn } from '../spec-map.js';

const lists = testsIn('x509-svid/revocation');
const tls = testsIn('tls/revocation');
const issuer = testsIn('issuer/revocation');
const delivered = testsIn('workload-api/revocation-lists');

const FETCHER = 'who fetches lists; svidkit takes those that it is given';
const OWN_NAME = 'a list with the name of a CA counts only with its signature';
const OWN_KEY = 'a list that names the key of a CA must be signed by it';
const IN_TIME = 'a list is good from thisUpdate to nextUpdate, both included, with the leeway';
const POLICY = 'the policy decides where no list covers a CA';
const WHOLE = 'section 5.2: delta, indirect and partial CRLs and unknown critical extensions are unsupported';

export const rfc5280Revocation: SpecDocument = {
  name: 'RFC 5280',
  revision: 'sections 5 and 6.3: revocation by complete CRLs',
  clauses: [
    {
      ...{ at: '5.1.1.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Both places name the same signature algorithm.',
      tests: lists('refuses another algorithm outside as bad_crl'),
    },
    {
      ...{ at: '5.1.2.1 a', level: 'MUST', binds: 'verifier' },
      text: 'A list is of version 2.',
      tests: lists('refuses no version as bad_crl', 'refuses version 1 as bad_crl', 'refuses version 3 as bad_crl'),
    },
    {
      ...{ at: '5.1.2.3 a', level: 'MUST', binds: 'verifier' },
      text: 'A list has an issuer.',
      tests: lists('refuses no issuer as bad_crl'),
    },
    {
      ...{ at: '5.1.2.5 a', level: 'MUST', binds: 'verifier' },
      text: 'A list says when the next one comes, at the latest.',
      tests: lists('refuses no nextUpdate as bad_crl', 'refuses nextUpdate before thisUpdate as bad_crl'),
    },
    {
      ...{ at: '5.1.2.6 a', level: 'MUST', binds: 'verifier' },
      text: 'Where nothing is revoked there is no list of entries, not an empty one.',
      tests: lists('refuses an empty list of entries as bad_crl'),
    },
    {
      ...{ at: '5.2 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'A list with a critical extension that is not understood decides nothing.',
      tests: lists(WHOLE),
    },
    {
      ...{ at: '5.2 b', level: 'MUST', binds: 'minter' },
      text: 'Every list names the key of its CA and has a number, which grows.',
      tests: [
        ...issuer('refuses it and no other, from a list with a higher number', 'bear the number*'),
        ...testsIn('issuer/rfc5280-revocation-lists')('section 5.2.1: *', 'sections 5.2.1, 5.2.3: *'),
      ],
    },
    {
      ...{ at: '5.2.3 a', level: 'MUST', binds: 'verifier' },
      text: 'Numbers of up to 20 octets are understood, and longer ones refused.',
      tests: lists('refuses a number of 21 octets as bad_crl', 'of several lists the newest that has begun counts*'),
    },
    {
      ...{ at: '5.3 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'A list with an entry whose critical extension is not understood decides nothing.',
      tests: lists(WHOLE),
    },
    {
      ...{ at: '6.3.3 a', level: 'MUST', binds: 'verifier' },
      text: '(b) A list is one of the CA that issued the certificate, by its name.',
      tests: lists(OWN_NAME, OWN_KEY, POLICY),
    },
    {
      ...{ at: '6.3.3 b', level: 'MUST', binds: 'verifier' },
      text: '(b), (c) Lists for a part of the certificates, indirect ones and deltas are refused.',
      tests: lists(WHOLE),
    },
    {
      ...{ at: '6.3.3 c', level: 'MUST', binds: 'verifier' },
      text: '(f) The CA of the list is the one on the path, under the same trust anchor.',
      tests: lists(OWN_NAME, OWN_KEY, 'looks for another path where an intermediate is revoked'),
    },
    {
      ...{ at: '6.3.3 d', level: 'MUST', binds: 'verifier' },
      text: '(f) Where the CA has a key usage, it may sign lists.',
      tests: lists('section 6.3.3 (f): a CA with a key usage must be allowed to sign CRLs'),
    },
    {
      ...{ at: '6.3.3 e', level: 'MUST', binds: 'verifier' },
      text: '(g) The signature of the list holds.',
      tests: lists(OWN_NAME, OWN_KEY, 'with anything changed, removed or added it never verifies*'),
    },
    {
      ...{ at: '6.3.3 f', level: 'MUST', binds: 'verifier' },
      text: '(j) A serial number that is listed is revoked, whatever the reason.',
      tests: [
        ...lists('refuses a revoked leaf and a revoked intermediate, and nothing else'),
        ...lists('reasons and the date do not matter*', 'serial numbers are compared as numbers of 20 octets'),
        ...tls('is refused to a revoked client', 'is not made to a revoked server'),
      ],
    },
    {
      ...{ at: '6.3.3 g', level: 'MUST', binds: 'verifier' },
      text: '(k) No entry of a complete list takes a revocation back.',
      tests: lists('refuses a removed entry as bad_crl'),
    },
    {
      ...{ at: '6.3.3 h', level: 'MUST', binds: 'verifier' },
      text: 'A list counts in its time; afterwards the status is not known.',
      tests: [
        ...lists(IN_TIME, 'a list past its time still revokes what it names'),
        ...tls('is refused by a list that*'),
      ],
    },
    {
      ...{ at: '6.3.3 i', level: 'MUST', binds: 'verifier' },
      text: 'What an unknown status means is decided by a policy that was set.',
      tests: [...lists(POLICY), ...tls('is made without a list, and refused where one is required')],
    },
    {
      ...{ at: '6.3.3 j', level: 'MUST', binds: 'verifier' },
      text: 'A newer list replaces an older one, on connections that are open as well.',
      tests: [
        ...lists('of several lists the newest that has begun counts*'),
        ...tls('gets no further request of a client that a newer list revokes'),
        ...tls('is not used again to a server that a newer list revokes', 'is closed when its list runs out'),
        ...delivered('are those that were delivered last*'),
      ],
    },
  ],
  others: [
    {
      ...{ at: '6.3.3 k', level: 'MUST', binds: FETCHER },
      text: '(a) The newest list is obtained when the held one ends.',
    },
  ],
};
