import { type Clause, testsIn } from '../spec-map.js';
import { row } from './threat-row.js';

const request = testsIn('http-signature/verify-request');
const response = testsIn('http-signature/verify-response');
const examples = testsIn('http-signature/draft-ietf-wimse-http-signature-06');
const rfc = testsIn('http-signature/rfc9421');
const digest = testsIn('http-signature/rfc9530-content-digest');
const fields = testsIn('http-signature/structured-fields');
const over = testsIn('http/draft-ietf-wimse-http-signature-07');
const served = testsIn('http/signed-requests');
const answered = testsIn('http/signed-answers');
const fetching = testsIn('http/signing-fetch');

const LABELS = 'threat 34: labels that repeat or stand alone are refused';
const RETOLD = 'threat 34: when a signature field is doubled*';
const FORBIDDEN = 'threat 35: forbidden_parameter*';
const INJECTED = 'threat 37: when a field of the profile comes in on the way, once or twice';
const UNSIGNED = 'threat 43: an unsigned success never goes out > *';

/** Rows 34 to 43. */
export const signatureThreats: readonly Clause[] = [
  row(
    '34 a',
    'several signatures: the one with the tag counts, and two with it are refused',
    request('threat 34: the signature is picked by its tag*'),
    served(RETOLD),
  ),
  row(
    '34 b',
    'a label twice, in one line or in several',
    request(LABELS),
    rfc('threat 34: duplicate_member*'),
    fields('threat 34: *'),
    served(RETOLD),
  ),
  row('34 c', 'a label in one of the two fields', request(LABELS), rfc('threat 34: unpaired_label*'), served(RETOLD)),
  row('35 a', '`keyid` or `alg` is there', request(FORBIDDEN), response(FORBIDDEN), served('threat 35: *')),
  row(
    '35 b',
    '`created`, `expires`, `nonce`, `wimse-aud` or `wimse-req-nonce` is missing',
    request('threat 35: missing_parameter*'),
    response('threat 35: missing_parameter*'),
  ),
  row(
    '35 c',
    'another tag, or none',
    request('threat 34: the signature is picked by its tag*'),
    response('threat 35: response_not_signed*'),
    served('when it proves nothing'),
  ),
  row('35 d', 'a parameter twice', request('threat 35: a parameter that is there twice*'), fields('threat 34: *')),
  row(
    '35 e',
    'decimals, numbers in quotes, tokens for strings',
    request('threat 35: bad_parameter*'),
    fields('threat 35: keeps the types apart'),
  ),
  row('35 f', '`wimse-sign-response` that is not true', request('threat 35: bad_parameter: {"wimse-sign-response"*')),
  row(
    '35 g',
    'a parameter of the other direction',
    request('threat 35: forbidden_parameter: {"wimse-req-nonce"*'),
    response('threat 35: forbidden_parameter: {"wimse-*'),
  ),
  row('35 h', 'parameters that are not known are signed like any other', request('threat 35: accepted: {"x-unknown"*')),
  row(
    '36 a',
    '`expires` before `created`, `created` in the future, a long life, an expired one',
    request('threat 36: *'),
    response('threat 35: expire*', 'threat 35: not_yet_valid*', 'threat 35: lifetime_too_long*'),
    rfc('threat 36: *'),
    served('threat 36: *'),
  ),
  row(
    '37 a',
    'method, target or WIT is not covered',
    request('threat 37: "@*', 'threat 37: "workload-identity-token"*', 'threat 37: what is covered in another*'),
    response('threat 37: *'),
  ),
  row(
    '37 b',
    'Authorization, Txn-Token, Content-Type or Content-Digest is there and not covered',
    request('threat 37: Content-*', 'threat 37: Authorization*', 'threat 37: Txn-Token*'),
    response('threat 37: a Content-Type that was added is not covered'),
    served(INJECTED),
  ),
  row('37 c', 'a field that comes in on the way, once or twice', served(INJECTED), request('threat 30: two *')),
  row('38 a', 'a component twice', rfc('threat 38: a component is covered once*'), request('threat 38: covering*')),
  row(
    '38 b',
    '`@signature-params`, upper-case names, unknown derived names',
    rfc('threat 38: bad_component*'),
    request('threat 38: covering "@signature-params"*'),
  ),
  row(
    '38 c',
    '`req` in a request; `sf`, `bs`, `key` or `tr` on what the profile reads',
    request('threat 38: covering "content-type";*', 'threat 38: covering "@method";req*'),
    request('threat 38: covering "workload-identity-token";bs*', 'threat 38: covering "authorization";key*'),
  ),
  row(
    '39 a',
    'line breaks, obsolete folding or more than ASCII in a value',
    rfc('threat 39: a value of *'),
    request('threat 39: values with line breaks*', 'threat 39: a value that spells lines*'),
    served('threat 39: *'),
  ),
  row('39 b', 'quotes and backslashes in parameters', rfc('threat 39: quotes and backslashes*')),
  row(
    '39 c',
    'a Signature-Input that is written otherwise than it is signed',
    rfc('threat 39: sig=*'),
    request('threat 39: Signature-Input with *'),
  ),
  row(
    '40 a',
    'a body without Content-Digest',
    request('threat 40: missing_content_digest*', 'threat 40: no result is had*'),
    response('threat 40: a body without a digest is refused'),
    served('threat 40: when its body is changed*'),
  ),
  row(
    '40 b',
    'another body than that of the covered digest, whole or in pieces',
    request('threat 40: as *', 'threat 40: digest_mismatch*', 'threat 40: a long body *'),
    response('threat 40: digest_mismatch*'),
    digest('threat 40: digest_mismatch*', 'threat 40: is given whole*'),
    served('threat 40: when its body is changed*'),
  ),
  row(
    '40 c',
    'algorithms that are unknown, weak or disagree',
    request('threat 40: unsupported_digest*', 'threat 40: weak_digest*', 'threat 40: digest_mismatch: a body*'),
    digest('threat 40: unsupported_digest*', 'threat 40: weak_digest*', 'threat 40: digest_mismatch*'),
  ),
  row(
    '40 d',
    'chunks, trailers, a body whose coding was undone',
    served('with a body of no announced length, in chunks', 'threat 40: when only the trailers have its digest*'),
    digest('threat 40: is of the bytes as they are sent*'),
    served('with the body as it came, before its coding is undone'),
  ),
  row('40 e', 'published examples with a valid signature over a wrong digest', examples('threat 40: *')),
  row(
    '41 a',
    'another target, or the same in another form',
    request('threat 41: *'),
    served('threat 41: when its target is another*', 'for the target before a framework rewrote it'),
  ),
  row(
    '41 b',
    '`:path` and `:method` of HTTP/2',
    over('threat 41: is bound to :method and :path', 'threat 41: is for the audience that was signed*'),
  ),
  row('41 c', '`*` and CONNECT', request('threat 41: a target without a path*')),
  row(
    '41 d',
    'another host: the audience is configured, and never taken from Host',
    served('threat 41: when it is for another host*'),
    request('threat 12: *'),
    over('threat 41: is for the audience that was signed*'),
  ),
  row(
    '42 a',
    'a signature that was used before, or twice at once',
    request('threat 42: threat 17: *'),
    served('threat 42: *'),
    response('threat 42: *'),
  ),
  row('42 b', 'a flood of nonces', request('threat 42: threat 18: *', 'threat 42: replay_store_*')),
  row('42 c', 'the nonce of another sender', request('threat 42: threat 19: *')),
  row('42 d', 'another spelling of the same signature', request('threat 42: threat 20: *')),
  row(
    '43 a',
    'an unsigned response where a signed one was asked for, or is the policy',
    response('threat 43: an unsigned response is refused*'),
    fetching('threat 43: refuses what is unsigned*'),
  ),
  row(
    '43 b',
    'a response to another request',
    response('threat 43: the response to another request*'),
    fetching('threat 43: refuses what was changed on the way*'),
  ),
  row('43 c', 'values with `req` that come with the response', response('threat 43: ;req means*')),
  row(
    '43 d',
    'a response that another workload signed with a valid WIT',
    response('threat 43: another workload*'),
    fetching('threat 43: refuses the answer of another workload'),
  ),
  row(
    '43 e',
    '204, 304, HEAD and streams',
    response('threat 43: responses without a body*', 'threat 43: a stream cannot be signed*'),
    fetching('threat 43: takes signed answers without a body*'),
    answered('threat 43: may have no body*'),
  ),
  row('43 f', 'a server that cannot sign answers with an error', answered(UNSIGNED), served('threat 43: *')),
  row('43 g', 'a redirect that was changed on the way', fetching('threat 43: go where the server signed them to go')),
];
