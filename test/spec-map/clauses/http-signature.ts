import { type SpecDocument, testsIn } from '../spec-map.js';

const newer = testsIn('http-signature/draft-ietf-wimse-http-signature-07');
const older = testsIn('http-signature/draft-ietf-wimse-http-signature-06');
const request = testsIn('http-signature/verify-request');
const response = testsIn('http-signature/verify-response');
const digest = testsIn('http-signature/rfc9530-content-digest');
const over = testsIn('http/draft-ietf-wimse-http-signature-07');
const served = testsIn('http/signed-requests');
const answered = testsIn('http/signed-answers');
const fetching = testsIn('http/signing-fetch');

const COVERS = 'is the default, and covers what the draft asks for, in a text that anybody can verify';
const ANSWER = 'section 3: a response covers status, WIT, type and digest, and method and target of its request';
const REFUSES = 'threat 47: does not make what a verifier refuses';
const BRIEF = 'does not outlive the WIT, and cuts query and fragment off the audience';
const UNASKED = 'may come to a request that did not ask for it, and is verified all the same';
const UNSIGNED = 'threat 43: an unsigned response is refused when a signed one was asked for, or is the policy';
const NONCE = 'threat 43: the response to another request is refused, by nonce and by what the client kept';
const TWICE = 'threat 42: a response is accepted once where a store is given';
const NEGOTIATOR = 'who sends Accept-Signature; svidkit sends none';

export const httpSignature: SpecDocument = {
  name: 'http-signature',
  revision: 'draft-ietf-wimse-http-signature-07, and -06 by name',
  source:
    'The text at hand is that of the working group’s repository of August 2026, which covers the request target, as -06 ' +
    'does. That -07 covers path and query in its place is known from the published revision.',
  clauses: [
    {
      ...{ at: '3 a', level: 'MUST', binds: 'client' },
      text: 'The signature of a request covers its method.',
      tests: newer(COVERS),
    },
    {
      ...{ at: '3 b', level: 'MUST', binds: 'client' },
      text: '-07: it covers path and query, which is `?` where there is none.',
      tests: newer(COVERS, 'has path and query as two components*', 'a target without a query has the query ?'),
    },
    {
      ...{ at: '3 c', level: 'MUST', binds: 'client' },
      text: 'It covers Content-Type, Content-Digest, Authorization and Txn-Token where they are, and the WIT.',
      tests: [...newer(COVERS), ...fetching('signs every request afresh*', 'signs text*')],
    },
    {
      ...{ at: '3 d', level: 'MUST', binds: 'verifier' },
      text: 'A request whose signature leaves any of these out is refused.',
      tests: [...request('threat 37: *'), ...served('threat 37: *')],
    },
    {
      ...{ at: '3 e', level: 'MUST', binds: 'verifier' },
      text: 'A change to any of these is a reason to refuse.',
      tests: [...request('threat 37: *', 'threat 41: method, path and query are bound'), ...served('threat 41: when*')],
    },
    {
      ...{ at: '3 f', level: 'MUST', binds: 'endpoint' },
      text: 'The signature of a response covers its status, WIT, Content-Type and Content-Digest where they are.',
      tests: newer(ANSWER),
    },
    {
      ...{ at: '3 g', level: 'MUST', binds: 'endpoint' },
      text: 'It covers method and target of the request, with `req`.',
      tests: newer(ANSWER),
    },
    {
      ...{ at: '3 h', level: 'MUST', binds: 'client' },
      text: 'A response whose signature leaves any of these out is refused.',
      tests: response('threat 37: *'),
    },
    {
      ...{ at: '3 i', level: 'MUST', binds: 'client' },
      text: 'A request with a body has a Content-Digest.',
      tests: [...newer(COVERS), ...request(REFUSES), ...fetching('signs bytes*')],
    },
    {
      ...{ at: '3 j', level: 'MUST', binds: 'endpoint' },
      text: 'A signed response with a body has a Content-Digest.',
      tests: [...newer(ANSWER), ...answered('may come in pieces and codings', 'may come from a stream')],
    },
    {
      ...{ at: '3 k', level: 'MUST', binds: 'verifier' },
      text: 'The Content-Digest of a request is verified; a body without one is refused.',
      tests: [...request('the body > threat 40: *'), ...served('threat 40: *'), ...digest('threat 40: *')],
    },
    {
      ...{ at: '3 l', level: 'MUST', binds: 'client' },
      text: 'So is that of a response.',
      tests: [...response('threat 40: *'), ...fetching('threat 43: refuses what was changed on the way*')],
    },
    {
      ...{ at: '3 m', level: 'MUST', binds: 'client' },
      text: 'The signature of a request has `created`, `expires`, `nonce`, `wimse-aud` and the `tag` of the profile.',
      tests: newer(COVERS),
    },
    {
      ...{ at: '3 n', level: 'MUST', binds: 'endpoint' },
      text: 'That of a response has `created`, `expires`, `nonce`, the `tag` and `wimse-req-nonce`.',
      tests: newer(ANSWER),
    },
    {
      ...{ at: '3 o', level: 'MUST', binds: 'verifier' },
      text: 'A signature without one of them, or with one that is malformed, is refused.',
      tests: [...request('threat 35: *'), ...response('threat 35: *'), ...served('threat 35: *')],
    },
    {
      ...{ at: '3 p', level: 'MUST', binds: 'client' },
      text: '`expires` is soon: minutes.',
      tests: request(REFUSES, BRIEF),
    },
    {
      ...{ at: '3 q', level: 'MUST NOT', binds: 'client' },
      text: '`keyid` and `alg` are not used.',
      tests: newer(COVERS, ANSWER),
    },
    {
      ...{ at: '3 r', level: 'MUST NOT', binds: 'verifier' },
      text: 'A signature with `keyid` or `alg` is refused.',
      tests: [...request('threat 35: forbidden_parameter*'), ...response('threat 35: forbidden_parameter*')],
    },
    {
      ...{ at: '3 s', level: 'SHOULD', binds: 'client' },
      text: 'One signature is added to a message.',
      tests: newer(COVERS),
    },
    {
      ...{ at: '3 t', level: 'SHOULD', binds: 'client' },
      text: 'Next to others its label is `wimse`.',
      tests: newer('section 3: next to another signature it has the label wimse, and is found by its tag'),
    },
    {
      ...{ at: '3 u', level: 'MUST', binds: 'client' },
      text: 'A nonce is never used again.',
      tests: [...newer('every signature has a nonce of its own'), ...fetching('signs every request afresh*')],
    },
    {
      ...{ at: '3 v', level: 'SHOULD', binds: 'verifier' },
      text: 'A nonce of one peer is accepted once, in a request as in a response.',
      tests: [...request('threat 42: *'), ...served('threat 42: *'), ...response(TWICE)],
    },
    {
      ...{ at: '3 w', level: 'MUST', binds: 'verifier' },
      text: 'The WIT is verified before the signature, and is the one of the message.',
      tests: [
        ...request('threat 11: nobody makes an UnprovenWit but verifyWit', 'threat 44: *'),
        ...served('threat 44: *'),
      ],
    },
    {
      ...{ at: '3 x', level: 'MUST', binds: 'verifier' },
      text: 'A message goes no further before all of it has been verified.',
      tests: [
        ...request('is not read before the authorizer has said yes', 'threat 40: no result is had*'),
        ...served('threat 44: *', 'threat 40: when its body is changed*'),
      ],
    },
    {
      ...{ at: '3.1 a', level: 'SHOULD', binds: 'client' },
      text: '`wimse-aud` is the target URI without query and fragment, unless the deployment says otherwise.',
      tests: [...over('section 3.1: *'), ...request(BRIEF)],
    },
    {
      ...{ at: '3.1 b', level: 'MUST', binds: 'verifier' },
      text: 'The audience is one of the verifier’s own.',
      tests: [...request('threat 12: *'), ...served('threat 41: when it is for another host*')],
    },
    {
      ...{ at: '3.2 a', level: 'MUST', binds: 'verifier' },
      text: '`wimse-sign-response` is a Boolean that is true; anything else is refused.',
      tests: request('threat 35: bad_parameter: {"wimse-sign-response"*', 'threat 35: accepted: {"wimse-sign-resp*'),
    },
    {
      ...{ at: '3.3 a', level: 'MUST', binds: 'endpoint' },
      text: '`wimse-req-nonce` is the nonce of the request that is answered.',
      tests: newer(ANSWER),
    },
    {
      ...{ at: '3.4 a', level: 'SHOULD', binds: 'endpoint' },
      text: 'Responses can be signed, asked for or not.',
      tests: [...response(UNASKED), ...answered('may come at once')],
    },
    {
      ...{ at: '3.4 b', level: 'MUST NOT', binds: 'endpoint' },
      text: 'Where the response must be signed and cannot be, no unsigned success goes out.',
      tests: [...answered('threat 43: an unsigned success never goes out > *'), ...served('threat 43: *')],
    },
    {
      ...{ at: '3.4 c', level: 'MUST', binds: 'endpoint' },
      text: 'An error goes out instead.',
      tests: [...answered('threat 43: an unsigned success never goes out > *'), ...served('threat 43: *')],
    },
    {
      ...{ at: '3.4 d', level: 'MUST', binds: 'client' },
      text: 'Where the response must be signed, an unsigned one is refused, and so is one whose signature does not hold.',
      tests: [...response(UNSIGNED), ...fetching('threat 43: refuses *')],
    },
    {
      ...{ at: '3.4 e', level: 'MUST', binds: 'client' },
      text: '`wimse-req-nonce` is the nonce of the request that was sent.',
      tests: [...response(NONCE), ...fetching('threat 43: refuses what was changed on the way*')],
    },
    {
      ...{ at: '3.4 f', level: 'MUST', binds: 'client' },
      text: 'A response that is signed without having to be is verified, and refused when it does not hold.',
      tests: [...response(UNASKED), ...fetching('refuses a signed response when it was not told who may sign')],
    },
    {
      ...{ at: '3.5 a', level: 'SHOULD NOT', binds: 'verifier' },
      text: 'A refusal of the signature is not 401; it is 400.',
      tests: [...over('section 3.5: *'), ...newer('has path and query as two components*')],
    },
    {
      ...{ at: '3.5 b', level: 'SHOULD', binds: 'endpoint' },
      text: 'A server that knows that it cannot sign the response answers 400 or 501.',
      tests: [...served('threat 43: *'), ...answered('when there is no identity to sign with: 501 before*')],
    },
    {
      ...{ at: '3.5 c', level: 'SHOULD', binds: 'endpoint' },
      text: 'So does one that learns it when the handler has answered.',
      tests: [],
      gap: 'it answers 500: the request has been carried out, which neither 400 nor 501 would let the client think',
    },
    {
      ...{ at: '5.1 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'A WIT is no bearer token.',
      tests: [...request('threat 11: *'), ...served('when it proves nothing')],
    },
    {
      ...{ at: '5.1 b', level: 'MUST', binds: 'client' },
      text: 'WIT and signature go out over TLS, unless something else secures the channel.',
      tests: fetching('sends nothing that it cannot sign or must not send'),
    },
    {
      ...{ at: '5.1 c', level: 'MUST', binds: 'client' },
      text: 'The client validates the host name of the server, or over SPIFFE mutual TLS its identifier.',
      tests: [
        ...testsIn('tls/verified-peers')('hold the host name in the wimse profile*', 'are not asked for host names*'),
        ...testsIn('tls/undici-connector')('rejects with not_authorized before a request is sent'),
      ],
    },
    {
      ...{ at: '5.1 d', level: 'MUST', binds: 'verifier' },
      text: 'A signature outside its time is refused, and one that lives too long.',
      tests: [...request('threat 36: *', 'threat 24: *'), ...served('threat 36: *')],
    },
    {
      ...{ at: '5.1 e', level: 'SHOULD', binds: 'verifier' },
      text: 'Replays are found out, by the sender.',
      tests: request('threat 42: threat 19: *', 'threat 42: threat 17: *', 'threat 42: threat 18: *'),
    },
    {
      ...{ at: '-06 a', level: 'MUST', binds: 'client' },
      text: '-06: in the place of path and query, the request target is covered as it stands.',
      tests: [
        ...older('has the request target as one component*', 'the request of the draft is signed again byte for byte'),
        ...fetching('follows the older draft where it is told to'),
      ],
    },
    {
      ...{ at: '-06 b', level: 'MUST', binds: 'endpoint' },
      text: '-06: so is that of the request, with `req`.',
      tests: older('the response of the draft is signed again byte for byte'),
    },
    {
      ...{ at: '-06 c', level: 'MUST', binds: 'verifier' },
      text: '-06: a request is refused that leaves the request target out; so is one in another form.',
      tests: [
        ...request('threat 41: -07 binds path and query*', 'a draft that is not accepted is refused*'),
        ...older('by -07 they are refused: *', 'request of draft-ietf-wimse-http-signature-06: the verdict of -06'),
        ...served('by the older draft, where that is accepted'),
      ],
    },
  ],
  others: [
    {
      ...{ at: '3.4 g', level: 'MUST', binds: NEGOTIATOR },
      text: 'Accept-Signature in a request lists the components that a signed response has.',
    },
    {
      ...{ at: '3.4 h', level: 'MUST', binds: NEGOTIATOR },
      text: 'Accept-Signature in a response lists the components that a signed request has.',
    },
  ],
};
