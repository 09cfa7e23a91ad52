import { type SpecDocument, testsIn } from '../spec-map.js';

const rfc = testsIn('http-signature/rfc9421');
const fields = testsIn('http-signature/structured-fields');
const newer = testsIn('http-signature/draft-ietf-wimse-http-signature-07');
const request = testsIn('http-signature/verify-request');
const response = testsIn('http-signature/verify-response');
const digest = testsIn('http-signature/rfc9530-content-digest');
const over = testsIn('http/draft-ietf-wimse-http-signature-07');

const BASES = 'has its base, byte for byte';
const ONCE = 'threat 38: a component is covered once, whatever the order of its parameters';
const MISUSE = 'misuse is a TypeError';
const LABELS = 'several signatures are told apart by label or tag';
const COVERAGE = 'must cover what is asked for';
const CALLER = 'left to whoever calls signMessage(); signRequest() and signResponse() always do';
const NEGOTIATOR = 'who sends or heeds Accept-Signature, which svidkit does not';

/** The published sections whose signature bases are vectors. */
const published = (what: string): readonly string[] =>
  ['3. Creating the Signature Base', '4. Multiple Signatures', '7. Full Coverage using rsa-pss-sha512'].map(
    (vector) => `${vector} > ${what}`,
  );

export const rfc9421: SpecDocument = {
  name: 'RFC 9421',
  revision: 'HTTP Message Signatures, as far as signers and verifiers here are bound by it',
  clauses: [
    {
      ...{ at: '2 a', level: 'MUST', binds: 'verifier' },
      text: 'A component is covered once; the order of its parameters makes no difference.',
      tests: rfc(ONCE),
    },
    {
      ...{ at: '2 b', level: 'MUST', binds: 'verifier' },
      text: 'The order in which parameters were written is kept.',
      tests: [...rfc('threat 39: sig=*'), ...fields('is written so that it is read again, whatever the values')],
    },
    {
      ...{ at: '2 c', level: 'MUST NOT', binds: 'verifier' },
      text: 'No value has a line break.',
      tests: [...rfc('threat 39: a value of *', 'threat 38: bad_component_value*'), ...request('threat 39: *')],
    },
    {
      ...{ at: '2.1 a', level: 'MUST', binds: 'verifier' },
      text: 'Field names are in lower case.',
      tests: rfc('threat 38: bad_component: "X-A"*', '"x-a" of*'),
    },
    {
      ...{ at: '2.1 b', level: 'MUST', binds: 'verifier' },
      text: 'Values that are not ASCII are wrapped by `bs`; otherwise they are refused.',
      tests: rfc('threat 39: a value of "é"*', '{"name":"x-a","parameters":{"bs":true}} of ["X-A","é"]*'),
    },
    {
      ...{ at: '2.1 c', level: 'MUST', binds: 'verifier' },
      text: 'Several lines are one value, in their order, cut of white space, with `, ` between them.',
      tests: rfc('"x-a" of*', '"x-b" of*', '12. HTTP Message Transformations > has its base, byte for byte'),
    },
    {
      ...{ at: '2.1 d', level: 'SHOULD', binds: 'client' },
      text: 'A covered field is there once.',
      tests: [...request('threat 47: does not make what a verifier refuses', 'threat 30: two *')],
    },
    {
      ...{ at: '2.1.1 a', level: 'MUST', binds: 'verifier' },
      text: 'With `sf` the value is written strictly, several lines as one.',
      tests: rfc('{"name":"priority","parameters":{"sf":true}} of *'),
    },
    {
      ...{ at: '2.1.2 a', level: 'MUST', binds: 'verifier' },
      text: 'With `key` the member is written strictly, of several lines as one.',
      tests: rfc('{"name":"x-a","parameters":{"key":"a"}} of *', '{"name":"x-a","parameters":{"key":"b"}} of *'),
    },
    {
      ...{ at: '2.1.2 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'No member is covered twice.',
      tests: rfc(ONCE),
    },
    {
      ...{ at: '2.1.2 c', level: 'MUST', binds: 'verifier' },
      text: 'A member that is not there is an error.',
      tests: rfc('threat 38: missing_component: {"name":"x-a","parameters":{"key":"z"}}*'),
    },
    {
      ...{ at: '2.1.3 a', level: 'MUST', binds: 'verifier' },
      text: 'With `bs` each line is a byte sequence of its own.',
      tests: rfc('{"name":"x-a","parameters":{"bs":true}} of *'),
    },
    {
      ...{ at: '2.1.4 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'Header and trailer fields of one name are never one value; trailers are not covered at all.',
      tests: [
        ...rfc('threat 38: unsupported_component: {"name":"x-a","parameters":{"tr":true}}*'),
        ...request('threat 38: covering "content-type";tr as well*'),
        ...testsIn('http/signed-requests')('threat 40: when only the trailers have its digest*'),
      ],
    },
    {
      ...{ at: '2.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Names that begin with `@` are derived components and no fields.',
      tests: rfc('threat 38: bad_component: "@host"*', 'threat 38: bad_component: "@Method"*'),
    },
    {
      ...{ at: '2.2 b', level: 'MUST', binds: 'verifier' },
      text: 'Values of derived components are visible ASCII and spaces, without spaces around them.',
      tests: rfc('threat 38: bad_component_value*'),
    },
    {
      ...{ at: '2.2.3 a', level: 'MUST', binds: 'verifier' },
      text: '`@authority` is in lower case and without the default port.',
      tests: rfc('"@authority" of*', 'threat 38: missing_component: "@authority"*'),
    },
    {
      ...{ at: '2.2.4 a', level: 'MUST', binds: 'verifier' },
      text: '`@scheme` is in lower case.',
      tests: rfc('"@scheme" of*'),
    },
    {
      ...{ at: '2.2.6 a', level: 'MUST', binds: 'verifier' },
      text: '`@path` is the path as it stands, `/` where it is empty.',
      tests: rfc('"@path" of*'),
    },
    {
      ...{ at: '2.2.7 a', level: 'MUST', binds: 'verifier' },
      text: '`@query` is the query as it stands with its `?`, and `?` alone where there is none.',
      tests: rfc('"@query" of*'),
    },
    {
      ...{ at: '2.2.8 a', level: 'MUST', binds: 'verifier' },
      text: '`@query-param` is read as a form and encoded again; it has a `name`.',
      tests: rfc('{"name":"@query-param"*', 'threat 38: bad_component: "@query-param"*'),
    },
    {
      ...{ at: '2.2.8 b', level: 'MUST', binds: 'verifier' },
      text: 'A parameter that is not there is an error.',
      tests: rfc('threat 38: missing_component: {"name":"@query-param"*'),
    },
    {
      ...{ at: '2.2.8 c', level: 'MUST NOT', binds: 'verifier' },
      text: 'A parameter that is there twice is not covered.',
      tests: rfc('threat 38: bad_component: {"name":"@query-param","parameters":{"name":"x"}}*'),
    },
    {
      ...{ at: '2.2.9 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'A request has no `@status`.',
      tests: [...rfc('threat 38: bad_component: "@status"*'), ...request('threat 38: covering "@status" as well*')],
    },
    {
      ...{ at: '2.3 a', level: 'MUST', binds: 'verifier' },
      text: '`@signature-params` is the last line of the base.',
      tests: [...rfc(...published(BASES)), ...newer('is the default, and covers what the draft asks for*')],
    },
    {
      ...{ at: '2.3 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'It is not listed among what is covered.',
      tests: [
        ...rfc('threat 38: bad_component: "@signature-params"*'),
        ...request('threat 38: covering "@signature-params" as well*'),
      ],
    },
    {
      ...{ at: '2.3 c', level: 'MUST', binds: 'verifier' },
      text: '`created` and `expires` are integers; `nonce`, `alg`, `keyid` and `tag` are strings.',
      tests: [...rfc('threat 36: bad_parameter*'), ...request('threat 35: bad_parameter*')],
    },
    {
      ...{ at: '2.3 d', level: 'SHOULD', binds: 'client' },
      text: '`created` is there.',
      tests: [],
      gap: CALLER,
    },
    {
      ...{ at: '2.4 a', level: 'MUST', binds: 'client' },
      text: 'The request is kept until its response has been verified, and values with `req` come from that copy.',
      tests: response('threat 43: ;req means the client’s copy*', 'threat 43: the response to another request*'),
    },
    {
      ...{ at: '2.4 b', level: 'SHOULD', binds: 'endpoint' },
      text: 'A response to a signed request covers all that the request’s signature covers.',
      tests: [],
      gap: 'it covers method and target, as the WIMSE profile asks; `components` of signResponse() adds others',
    },
    {
      ...{ at: '2.4 c', level: 'SHOULD NOT', binds: 'endpoint' },
      text: 'The signature of a request is not signed again with its response.',
      tests: newer('section 3: a response covers *'),
    },
    {
      ...{ at: '2.4 d', level: 'MUST NOT', binds: 'verifier' },
      text: 'In a request there is no `req`.',
      tests: [
        ...rfc('threat 38: bad_component: {"name":"x-a","parameters":{"req":true}}*'),
        ...request('threat 38: covering "content-type";req as well*', 'threat 38: covering "@method";req as well*'),
      ],
    },
    {
      ...{ at: '2.5 a', level: 'MUST', binds: 'verifier' },
      text: 'The base is built line by line from what is covered.',
      tests: rfc(...published(BASES), 'the published signature bases > are twelve'),
    },
    {
      ...{ at: '2.5 b', level: 'MUST', binds: 'verifier' },
      text: 'A parameter that is not known, or contradicts another, is an error.',
      tests: rfc(
        'threat 38: bad_component: {"name":"x-a","parameters":{"other":true}}*',
        'threat 38: bad_component: {"name":"x-a","parameters":{"bs":true,"sf":true}}*',
      ),
    },
    {
      ...{ at: '2.5 c', level: 'MUST', binds: 'verifier' },
      text: 'What cannot be found in the message, or in the request that a response answers, is an error.',
      tests: rfc(
        'threat 38: missing_component: "x-a"*',
        'threat 38: missing_component: {"name":"@method","parameters":{"req":true}}*',
      ),
    },
    {
      ...{ at: '2.5 d', level: 'MUST', binds: 'verifier' },
      text: '`sf` and `key` on a field of another or unknown structure are an error.',
      tests: rfc(
        'threat 38: unsupported_component: {"name":"x-a","parameters":{"sf":true}}*',
        'threat 38: bad_structured_field: {"name":"x-a","parameters":{"key":"a"}}*',
      ),
    },
    {
      ...{ at: '2.5 e', level: 'MUST', binds: 'verifier' },
      text: 'A base that is not ASCII is an error.',
      tests: rfc('threat 39: a value of *', 'threat 39: quotes and backslashes in parameters*'),
    },
    {
      ...{ at: '3.1 a', level: 'MUST', binds: 'client' },
      text: 'Key and algorithm belong together.',
      tests: rfc(MISUSE),
    },
    {
      ...{ at: '3.1 b', level: 'MUST', binds: 'client' },
      text: 'Only components that exist and are in the message are covered.',
      tests: rfc(MISUSE),
    },
    {
      ...{ at: '3.1 c', level: 'SHOULD', binds: 'client' },
      text: 'A request’s method and target are covered.',
      tests: newer('is the default, and covers what the draft asks for*'),
    },
    {
      ...{ at: '3.2 a', level: 'MUST', binds: 'verifier' },
      text: 'Of several signatures one is chosen by configuration; none is an error.',
      tests: [...rfc(LABELS), ...request('threat 34: the signature is picked by its tag*')],
    },
    {
      ...{ at: '3.2 b', level: 'MUST', binds: 'verifier' },
      text: 'A signature without its input is an error.',
      tests: [...rfc('threat 34: unpaired_label*'), ...request('threat 34: labels that repeat or stand alone*')],
    },
    {
      ...{ at: '3.2 c', level: 'MUST', binds: 'verifier' },
      text: 'The input is an inner list with parameters, the signature a byte sequence; all else is an error.',
      tests: [...rfc('threat 21: bad_structured_field*', 'threat 39: sig=(@method*'), ...fields('"*')],
    },
    {
      ...{ at: '3.2 d', level: 'MUST', binds: 'verifier' },
      text: 'The key is one that the verifier knows and trusts.',
      tests: [...rfc(MISUSE), ...request('threat 6: *')],
    },
    {
      ...{ at: '3.2 e', level: 'MUST', binds: 'verifier' },
      text: 'A `keyid` that does not belong to the configured key is an error.',
      tests: rfc('threat 36: keyid_mismatch: *'),
    },
    {
      ...{ at: '3.2 f', level: 'MUST', binds: 'verifier' },
      text: 'The algorithm is an allowed one, and the same wherever it is said.',
      tests: rfc('threat 36: alg_mismatch*', 'threat 36: accepted: {"alg"*', MISUSE),
    },
    {
      ...{ at: '3.2 g', level: 'MUST', binds: 'verifier' },
      text: 'The base is made anew from what was parsed, without the label.',
      tests: [...rfc('threat 39: sig=*'), ...request('threat 39: Signature-Input with *')],
    },
    {
      ...{ at: '3.2 h', level: 'MUST', binds: 'verifier' },
      text: 'When any step fails, the signature does not hold.',
      tests: rfc('ES256 signs and verifies*', 'PS512 signs and verifies*', 'EdDSA signs and verifies*'),
    },
    {
      ...{ at: '3.2.1 a', level: 'MUST', binds: 'verifier' },
      text: 'What an application demands of a signature is enforced: components, times, tag.',
      tests: [...rfc(COVERAGE, 'threat 36: *', LABELS), ...request('threat 37: *', 'threat 36: *')],
    },
    {
      ...{ at: '3.3 a', level: 'MUST', binds: 'verifier' },
      text: 'Algorithms are sound; those with shared secrets are left out.',
      tests: rfc(MISUSE),
    },
    {
      ...{ at: '3.3.7 a', level: 'MUST', binds: 'verifier' },
      text: 'A JOSE algorithm signs the base as it is, without header and encoding.',
      tests: newer('is the default, and covers what the draft asks for*'),
    },
    {
      ...{ at: '3.3.7 b', level: 'MUST NOT', binds: 'verifier' },
      text: 'It is neither `none` nor a prohibited one.',
      tests: rfc(MISUSE),
    },
    {
      ...{ at: '3.3.7 c', level: 'MUST NOT', binds: 'client' },
      text: 'With a JOSE algorithm there is no `alg`.',
      tests: [...newer('is the default, and covers*'), ...rfc('threat 36: alg_mismatch: {"alg":"ES256"}')],
    },
    {
      ...{ at: '4 a', level: 'MUST', binds: 'client' },
      text: 'A label is new to the message, and in both fields.',
      tests: [...rfc(LABELS), ...newer('section 3: next to another signature*')],
    },
    {
      ...{ at: '4 b', level: 'MUST', binds: 'verifier' },
      text: 'A label in one field alone is an error, and so is one that is there twice, in whatever lines.',
      tests: [...rfc('threat 34: *'), ...request('threat 34: labels*', 'threat 30: Signature and Signature-Input*')],
    },
    {
      ...{ at: '4.1 a', level: 'MUST', binds: 'client' },
      text: 'Signature-Input has the text of `@signature-params`.',
      tests: [...newer('is the default, and covers what the draft asks for*'), ...rfc(...published('is signed again'))],
    },
    {
      ...{ at: '4.1 b', level: 'SHOULD', binds: 'client' },
      text: 'Both fields are header fields; in the trailers nobody looks for them.',
      tests: over('RFC 9421 section 4: a signature in the trailers is none'),
    },
    {
      ...{ at: '7.2.8 a', level: 'SHOULD', binds: 'verifier' },
      text: 'A body is bound by a Content-Digest that is covered and verified.',
      tests: [...request('the body > threat 40: *'), ...digest('threat 40: *')],
    },
  ],
  others: [
    {
      ...{ at: '1.4 a', level: 'MUST', binds: 'who writes a profile; ours is the WIMSE draft' },
      text: 'Components, parameters, keys and algorithms are laid down.',
    },
    { ...{ at: '5 a', level: 'MUST', binds: NEGOTIATOR }, text: 'Signatures are made as Accept-Signature asks.' },
    {
      ...{ at: '5 b', level: 'SHOULD', binds: NEGOTIATOR },
      text: 'Responses that depend on it are not cached without Vary.',
    },
  ],
};
