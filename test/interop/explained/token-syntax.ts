import { type ExplainedDifference, THEY_ACCEPT } from '../support/difference.js';

const jwt = (...names: readonly string[]): string[] => names.map((name) => `jwt: ${name}`);
/** Cases that both kinds of token have. */
const both = (...names: readonly string[]): string[] => [...jwt(...names), ...names.map((name) => `wit: ${name}`)];

/** Serialization, in which both kinds are the same. */
export const tokenSyntaxDifferences: readonly ExplainedDifference[] = [
  {
    cases: both('crit empty'),
    peers: ['go-spiffe'],
    ...THEY_ACCEPT,
    departs: 'peer',
    clause: 'RFC 7515 section 4.1.11',
    because: 'The list must not be empty.',
  },
  {
    cases: both('a line feed after', 'a line feed inside'),
    peers: ['go-spiffe'],
    ...THEY_ACCEPT,
    departs: 'peer',
    clause: 'RFC 7515 section 2',
    because: 'Base64url has no line breaks; a token with one has another hash and the same signature.',
  },
  {
    cases: jwt('padding in what was signed', 'padding in the signature'),
    peers: ['py-spiffe'],
    ...THEY_ACCEPT,
    departs: 'peer',
    clause: 'RFC 7515 section 2',
    because: 'Base64url has no padding.',
  },
  {
    cases: both('bits left over in the signature'),
    peers: ['go-spiffe'],
    ...THEY_ACCEPT,
    departs: 'nobody',
    clause: 'RFC 4648 section 3.5',
    because: 'Decoders may refuse bits that are not zero; a token has one spelling here.',
  },
  {
    cases: jwt('alg twice', 'kid twice', 'typ twice'),
    peers: ['py-spiffe'],
    ...THEY_ACCEPT,
    departs: 'nobody',
    clause: 'RFC 7515 section 4',
    because: 'Parsers must refuse a repeated name or take the last one.',
  },
  {
    cases: jwt('sub twice', 'exp twice', 'a name twice, far inside'),
    peers: ['py-spiffe'],
    ...THEY_ACCEPT,
    departs: 'nobody',
    clause: 'RFC 7519 section 4',
    because: 'Parsers must refuse a repeated name or take the last one.',
  },
  {
    cases: both('bytes that are not UTF-8'),
    peers: ['go-spiffe'],
    ...THEY_ACCEPT,
    departs: 'peer',
    clause: 'RFC 7519 section 7.1, RFC 8259 section 8.1',
    because: 'JSON is UTF-8.',
  },
  {
    cases: both('half of a surrogate pair'),
    peers: ['go-spiffe'],
    ...THEY_ACCEPT,
    departs: 'nobody',
    clause: 'RFC 8259 section 8.2',
    because: 'What software does with such a text is unpredictable.',
  },
  {
    cases: jwt('half of a surrogate pair'),
    peers: ['py-spiffe'],
    ...THEY_ACCEPT,
    departs: 'nobody',
    clause: 'RFC 8259 section 8.2',
    because: 'What software does with such a text is unpredictable.',
  },
  {
    cases: jwt('a byte order mark in the payload'),
    peers: ['py-spiffe'],
    ...THEY_ACCEPT,
    departs: 'nobody',
    clause: 'RFC 8259 section 8.1',
    because: 'Implementations must not add the mark, and may ignore it.',
  },
];
