import type { ExchangeDifference } from '../signatures/exchange.js';
import type { MessagePeer } from '../signatures/message-exchanges.js';

const WIMSE = ['the WIMSE profile', 'the WIMSE profile, a signed response wanted', 'response: the WIMSE profile'];

/** Every difference in HTTP message signatures. One that is not here fails the suite, and so does one that is over. */
export const MESSAGE_DIFFERENCES: readonly ExchangeDifference<MessagePeer>[] = [
  {
    peers: ['httpsign', 'http-message-signatures'],
    direction: 'peer signs',
    cases: ['method, target and fields', 'alg named', 'response: status and fields', 'response: bound to its request'],
    algorithms: ['rsa-pss-sha512'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 3.3.1',
    because: 'The salt has 64 bytes. These signers take the longest one that the key has room for.',
  },
  {
    peers: ['http-message-signatures'],
    direction: 'peer signs',
    cases: ['the WIMSE profile'],
    algorithms: ['rsa-pss-sha512'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 3.3.1',
    because: 'The salt has 64 bytes; see above.',
  },
  {
    peers: ['httpsign', 'http-message-signatures'],
    cases: ['a query parameter with marks that forms encode'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 2.2.8',
    because:
      'Of the marks, the percent-encode set of forms leaves only *-._ as they are; the encoders of Go and of URIs leave others.',
  },
  {
    peers: ['httpsign', 'http-message-signatures'],
    cases: ['an empty query in the request target'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 2.2.5',
    because: 'The request target is the one that was sent, with its question mark. It is lost in a parsed URL.',
  },
  {
    peers: ['httpsign'],
    cases: ['an encoded request target'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 2.2.5',
    because: 'The request target is the one that was sent. httpsign decodes its path.',
  },
  {
    peers: ['httpsign'],
    cases: ['an upper-case host', 'the default port'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 2.2.3',
    because: 'The host is in lower case and the default port is left out.',
  },
  {
    peers: ['http-message-signatures'],
    cases: ['dot segments in the request target'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 2.2.5',
    because: 'The request target is the one that was sent. A WHATWG URL has its dot segments removed.',
  },
  {
    peers: ['http-message-signatures'],
    cases: ['dot segments in the path'],
    verdict: 'refuse',
    departs: 'nobody',
    clause: 'RFC 9421 section 2.2.6',
    because:
      'The path is normalised as RFC 9110 section 4.2.3 says, "namely" an empty one; whether dot segments go is not said. ' +
      'svidkit signs the path that the server gets.',
  },
  {
    peers: ['http-message-signatures'],
    cases: ['a method in mixed case'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9421 section 2.2.1, RFC 9110 section 9.1',
    because: 'Methods are case-sensitive. This package signs all of them in upper case.',
  },
  {
    peers: ['py-http-message-signatures'],
    cases: ['a method in mixed case'],
    verdict: 'refuse',
    departs: 'peer',
    clause: 'RFC 9110 section 9.1',
    because: 'A method is any token. This package takes those in upper case only.',
  },
  {
    peers: ['py-http-message-signatures'],
    cases: ['no keyid'],
    verdict: 'unsupported',
    departs: 'offer',
    clause: 'RFC 9421 section 2.3',
    because: 'Every parameter is optional; the package finds its keys by keyid.',
  },
  {
    peers: ['py-http-message-signatures'],
    direction: 'peer signs',
    cases: ['no created'],
    verdict: 'unsupported',
    departs: 'offer',
    clause: 'RFC 9421 section 2.3',
    because: 'created is recommended; the package always signs it.',
  },
  {
    peers: ['py-http-message-signatures'],
    cases: WIMSE,
    verdict: 'unsupported',
    departs: 'offer',
    clause: 'RFC 9421 section 2.3',
    because: 'Other parameters can be registered; the package signs those of the RFC and refuses the rest.',
  },
  {
    peers: ['httpsign'],
    direction: 'peer signs',
    cases: WIMSE,
    verdict: 'unsupported',
    departs: 'offer',
    clause: 'RFC 9421 section 2.3',
    because:
      'Other parameters can be registered; the package signs those of the RFC, and verifies signatures with others.',
  },
  {
    peers: ['http-message-sig'],
    cases: [
      'a field as bytes',
      'a field serialised strictly',
      'a query parameter',
      'an encoded query parameter',
      'a query parameter with marks that forms encode',
    ],
    verdict: 'unsupported',
    departs: 'offer',
    clause: 'RFC 9421 sections 2.1.1, 2.1.3, 2.2.8',
    because: 'The package says that it offers neither sf, bs nor @query-param.',
  },
];
