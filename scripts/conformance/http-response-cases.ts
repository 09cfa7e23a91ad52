import {
  asked,
  BODY,
  contentDigest,
  type HttpParts,
  type HttpRow,
  RESPONSE,
  type ResponseParts,
  text,
} from './http-maker.js';
import { CALLERS, NOW, witOf } from './tokens.js';

/** A response to a request that asked for a signed one. */
const to = (response: ResponseParts, request: HttpParts = {}): HttpParts => ({
  parameters: asked,
  ...request,
  response,
});
const EXPECTED = [CALLERS.orders.id];

/** Responses, as the client of the request judges them. */
export function responseRows(): readonly HttpRow[] {
  return [...accepted, ...refused].map(([name, ...rest]): HttpRow => [`response: ${name}`, ...rest]);
}

const accepted: readonly HttpRow[] = [
  ['-07, EdDSA', RESPONSE, to({}, { authorized: EXPECTED }), 'accept'],
  ['-06, EdDSA', RESPONSE, to({}, { draft: '06' }), 'accept'],
  ['-07, ES256', RESPONSE, to({ caller: CALLERS.planner }), 'accept'],
  ['-07, with a body', RESPONSE, to({ body: BODY }), 'accept'],
  ['-07, to a request with a body', RESPONSE, to({ body: BODY }, { body: BODY }), 'accept'],
  [
    '-07, to HEAD',
    'RFC 9110 6.4.1',
    to({ status: 200, more: [['Content-Length', '15']] }, { method: 'HEAD' }),
    'accept',
  ],
  ['-07, not modified', 'RFC 9110 15.4.5', to({ status: 304, more: [['Content-Length', '15']] }), 'accept'],
  ['-07, signed though nobody asked', RESPONSE, { response: {} }, 'accept'],
  ['-07, an error', RESPONSE, to({ status: 404, body: 'no such order' }), 'accept'],
  [
    '-07, more of the request',
    'RFC 9421 2.4',
    to({
      besides: ['"workload-identity-token";req', '"signature";req'],
    }),
    'accept',
  ],
];

const refused: readonly HttpRow[] = [
  ['not signed', RESPONSE, to({ unsigned: true }), 'response-not-signed'],
  ['not signed, an error', RESPONSE, to({ unsigned: true, status: 500 }), 'response-not-signed'],
  ['another tag', RESPONSE, to({ parameters: { tag: '"other"' } }), 'response-not-signed'],
  [
    'no WIT',
    RESPONSE,
    to({
      change: (response) => ({
        ...response,
        headers: response.headers.filter(([name]) => name !== 'Workload-Identity-Token'),
      }),
    }),
    'missing-wit',
  ],
  ['no wimse-req-nonce', RESPONSE, to({ parameters: { 'wimse-req-nonce': undefined } }), 'missing-parameter'],
  ['the nonce of another request', RESPONSE, to({ parameters: { 'wimse-req-nonce': '"another"' } }), 'wrong-request'],
  ['made for another method', RESPONSE, to({ values: { '"@method";req': 'POST' } }), 'bad-signature'],
  ['made for another query', RESPONSE, to({ values: { '"@query";req': '?item=car' } }), 'bad-signature'],
  ['another status', RESPONSE, to({ change: (response) => ({ ...response, status: 201 }) }), 'bad-signature'],
  ['@status not signed', RESPONSE, to({ without: ['"@status"'] }), 'not-covered'],
  ['@method of the request not signed', RESPONSE, to({ without: ['"@method";req'] }), 'not-covered'],
  ['@query of the request not signed', RESPONSE, to({ without: ['"@query";req'] }), 'not-covered'],
  [
    '@method without req',
    'RFC 9421 2.4',
    to({ besides: ['"@method"'], values: { '"@method"': 'GET' } }),
    'bad-component',
  ],
  ['the WIT not signed', RESPONSE, to({ without: ['"workload-identity-token"'] }), 'not-covered'],
  ['Content-Type not signed', RESPONSE, to({ body: BODY, without: ['"content-type"'] }), 'not-covered'],
  ['Content-Digest not signed', RESPONSE, to({ body: BODY, without: ['"content-digest"'] }), 'not-covered'],
  ['another body', RESPONSE, to({ body: BODY, digest: contentDigest('other') }), 'wrong-digest'],
  ['a body without a digest', RESPONSE, to({ body: BODY, digest: '' }), 'missing-digest'],
  [
    'a body that is announced and was not given',
    RESPONSE,
    to({ body: BODY, change: (response) => ({ ...response, body: null }) }),
    'missing-body',
    'stricter',
  ],
  [
    'by another workload than the one that was called',
    RESPONSE,
    to({ caller: CALLERS.planner }, { authorized: EXPECTED }),
    'not-authorized',
  ],
  [
    'by the caller itself, sent back',
    RESPONSE,
    to({ caller: CALLERS.courier }, { authorized: EXPECTED }),
    'not-authorized',
  ],
  ['by another key', RESPONSE, to({ key: 'attacker-ed25519' }), 'bad-signature'],
  ['expired', RESPONSE, to({}, { now: NOW + 70 }), 'expired'],
  ['keyid', RESPONSE, to({ parameters: { keyid: '"k"' } }), 'forbidden-parameter'],
  [
    'wimse-aud on a response',
    RESPONSE,
    to({ parameters: { 'wimse-aud': text('x') } }),
    'forbidden-parameter',
    'stricter',
  ],
  ['wimse-sign-response on a response', RESPONSE, to({ parameters: asked }), 'forbidden-parameter', 'stricter'],
  ['no nonce', RESPONSE, to({ parameters: { nonce: undefined } }), 'missing-parameter'],
  ['the WIT has expired', RESPONSE, to({ wit: witOf(CALLERS.orders, { exp: NOW - 31 }) }, { part: 'wit' }), 'expired'],
];
