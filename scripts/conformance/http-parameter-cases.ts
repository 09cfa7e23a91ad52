import { HTTP, type HttpParts, type HttpRow } from './http-maker.js';
import { NOW } from './tokens.js';

const parameters = (changes: NonNullable<HttpParts['parameters']>): HttpParts => ({ parameters: changes });

/** The parameters of the signature. */
export function parameterRows(): readonly HttpRow[] {
  return [
    ['keyid', HTTP, parameters({ keyid: '"k"' }), 'forbidden-parameter'],
    ['alg', HTTP, parameters({ alg: '"ed25519"' }), 'forbidden-parameter'],
    ['wimse-req-nonce on a request', HTTP, parameters({ 'wimse-req-nonce': '"n"' }), 'forbidden-parameter', 'stricter'],
    ['no created', HTTP, parameters({ created: undefined }), 'missing-parameter'],
    ['no expires', HTTP, parameters({ expires: undefined }), 'missing-parameter'],
    ['no nonce', HTTP, parameters({ nonce: undefined }), 'missing-parameter'],
    ['no wimse-aud', HTTP, parameters({ 'wimse-aud': undefined }), 'missing-parameter'],
    ['no tag', HTTP, parameters({ tag: undefined }), 'missing-proof'],
    ['another tag', HTTP, parameters({ tag: '"wimse"' }), 'missing-proof'],
    ['tag a token', 'RFC 9421 2.3', parameters({ tag: 'wimse-workload-to-workload' }), 'missing-proof'],
    ['created a decimal', 'RFC 9421 2.3', parameters({ created: `${NOW}.0` }), 'bad-parameter'],
    ['created a string', 'RFC 9421 2.3', parameters({ created: `"${NOW}"` }), 'bad-parameter'],
    ['expires a string', 'RFC 9421 2.3', parameters({ expires: `"${NOW + 60}"` }), 'bad-parameter'],
    ['created negative', 'RFC 9421 2.3', parameters({ created: '-1' }), 'bad-parameter'],
    ['nonce empty', HTTP, parameters({ nonce: '""' }), 'bad-parameter', 'stricter'],
    ['nonce a byte sequence', 'RFC 9421 2.3', parameters({ nonce: ':AAAA:' }), 'bad-parameter'],
    ['wimse-aud a token', HTTP, parameters({ 'wimse-aud': 'orders' }), 'bad-parameter'],
    ['wimse-sign-response false', HTTP, parameters({ 'wimse-sign-response': '?0' }), 'bad-parameter', 'stricter'],
    ['wimse-sign-response a string', HTTP, parameters({ 'wimse-sign-response': '"true"' }), 'bad-parameter'],
    ['nonce twice', 'RFC 9421 2.3', { respell: (input) => `${input};nonce="x"` }, 'duplicate-member', 'stricter'],
    ['created beyond 15 digits', 'RFC 8941 3.3.1', parameters({ created: '1000000000000000' }), 'bad-structured-field'],
  ];
}
