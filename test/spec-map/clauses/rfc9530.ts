import { type SpecDocument, testsIn } from '../spec-map.js';

const rfc = testsIn('http-signature/rfc9530-content-digest');
const request = testsIn('http-signature/verify-request');
const served = testsIn('http/signed-requests');
const newer = testsIn('http-signature/draft-ietf-wimse-http-signature-07');

const MADE = 'may have both algorithms, and no other';
const AS_SENT = 'threat 40: is of the bytes as they are sent, not of what is decoded from them';
const OTHERS = 'who uses Repr-Digest and the Want- fields, which svidkit does not';

export const rfc9530: SpecDocument = {
  name: 'RFC 9530',
  revision: 'Digest Fields: Content-Digest',
  clauses: [
    {
      ...{ at: '2 a', level: 'MUST', binds: 'client' },
      text: 'Content-Digest is a dictionary of byte sequences under the names of their algorithms.',
      tests: rfc('is written as in the examples of appendix B', MADE),
    },
    {
      ...{ at: '2 b', level: 'MUST', binds: 'verifier' },
      text: 'Anything else under the name of an algorithm is refused.',
      tests: rfc('threat 40: bad_structured_field*'),
    },
    {
      ...{ at: '2 c', level: 'MUST', binds: 'client' },
      text: 'It is of the content as it is sent, after any coding.',
      tests: [...rfc(AS_SENT), ...testsIn('http/signing-fetch')('signs every request afresh*')],
    },
    {
      ...{ at: '2 d', level: 'MUST', binds: 'verifier' },
      text: 'It is compared with the content as it came, before any coding is undone.',
      tests: [...rfc(AS_SENT), ...served('with the body as it came, before its coding is undone')],
    },
    {
      ...{ at: '2 e', level: 'MUST', binds: 'verifier' },
      text: 'Algorithms that are not known are passed over; when none is known there is no digest.',
      tests: rfc('threat 40: accepted: new=*', 'threat 40: unsupported_digest*'),
    },
    {
      ...{ at: '5 a', level: 'SHOULD', binds: 'client' },
      text: 'Active algorithms are used.',
      tests: [...rfc(MADE), ...newer('is the default, and covers what the draft asks for*')],
    },
    {
      ...{ at: '5 b', level: 'MUST NOT', binds: 'client' },
      text: 'Deprecated algorithms are not used in signatures.',
      tests: [...rfc(MADE), ...request('threat 47: does not make what a verifier refuses')],
    },
    {
      ...{ at: '5 c', level: 'MUST NOT', binds: 'verifier' },
      text: 'Nor are they accepted there, next to sound ones neither.',
      tests: [...rfc('threat 40: weak_digest*'), ...request('threat 40: weak_digest*')],
    },
    {
      ...{ at: '6.3 a', level: 'SHOULD', binds: 'client' },
      text: 'The digest is signed together with the fields that say what the content is.',
      tests: newer('is the default, and covers what the draft asks for*'),
    },
    {
      ...{ at: '6.4 a', level: 'SHOULD', binds: 'verifier' },
      text: 'A digest in the trailers is none: the content would be used before it.',
      tests: served('threat 40: when only the trailers have its digest*'),
    },
    {
      ...{ at: '6.6 a', level: 'SHOULD', binds: 'verifier' },
      text: 'Of several digests all that are known hold: the weakest opens no door.',
      tests: [...rfc('threat 40: digest_mismatch*'), ...request('threat 40: digest_mismatch: a body*')],
    },
    {
      ...{ at: '6.7 a', level: 'SHOULD', binds: 'verifier' },
      text: 'Validation is bounded, and never left out for that.',
      tests: [
        ...rfc('threat 40: is given whole and verified up to the bound*', 'holds back the last piece*'),
        ...served('with 413 when its body is longer than may be held*'),
      ],
    },
  ],
  others: [
    { ...{ at: '3 a', level: 'MUST', binds: OTHERS }, text: 'Repr-Digest is of the selected representation.' },
    {
      ...{ at: '3.1 a', level: 'MUST', binds: OTHERS },
      text: 'In requests that change state it is of what was enclosed.',
    },
  ],
};
