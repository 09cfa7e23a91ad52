import { type SpecDocument, testsIn } from '../spec-map.js';

const id = testsIn('id/draft-ietf-wimse-identifier-03');
const verify = testsIn('wit/verify-wit');

export const wimseIdentifier: SpecDocument = {
  name: 'wimse-identifier',
  revision: 'draft-ietf-wimse-identifier-03',
  clauses: [
    {
      ...{ at: '4.1 a', level: 'MUST', binds: 'verifier' },
      text: 'A workload identifier is an absolute URI of a known scheme.',
      tests: [...id('another scheme is refused'), ...verify('threat 32: sub "planner" is refused')],
    },
    {
      ...{ at: '4.1 b', level: 'MUST', binds: 'verifier' },
      text: 'Its authority, the trust domain, is not empty.',
      tests: id('no authority is refused'),
    },
    {
      ...{ at: '4.1 c', level: 'MUST NOT', binds: 'verifier' },
      text: 'There is neither userinfo nor port.',
      tests: id('userinfo is refused', 'a port is refused'),
    },
    {
      ...{ at: '4.1 d', level: 'MUST NOT', binds: 'verifier' },
      text: 'There is neither query nor fragment.',
      tests: id('a query is refused', 'an empty query is refused', 'a fragment is refused'),
    },
    {
      ...{ at: '4.1 e', level: 'MUST NOT', binds: 'verifier' },
      text: 'The trust domain is not an IP address.',
      tests: id('an IPv4 address is refused', 'an IPv6 address is refused'),
    },
    {
      ...{ at: '4.1 f', level: 'MUST', binds: 'verifier' },
      text: 'Identifiers are compared whole.',
      tests: [
        ...id('threat 7: the same name under two schemes is two trust domains', 'threat 32: a path has one spelling*'),
        ...testsIn('id/authorizer')('threat 32: exactly admits the same bytes and nothing beside them'),
      ],
    },
    {
      ...{ at: '4.1 g', level: 'MUST', binds: 'verifier' },
      text: 'Keys are looked up by scheme and trust domain together.',
      tests: [
        ...verify('threat 7: nor does a scheme speak for another'),
        ...testsIn('bundle/bundle-set')('threat 7: keeps spiffe and wimse trust domains of one name apart'),
        ...testsIn('x509-svid/path')('no bundle for the domain, or for the domain under the other scheme'),
      ],
    },
  ],
  others: [],
};
