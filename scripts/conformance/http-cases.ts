import { coverageRows } from './http-coverage-cases.js';
import {
  AUDIENCE,
  asked,
  BODY,
  contentDigest,
  draftName,
  HTTP,
  type HttpParts,
  type HttpRow,
  nonceOf,
  text,
  toHttpCase,
} from './http-maker.js';
import { parameterRows } from './http-parameter-cases.js';
import { responseRows } from './http-response-cases.js';
import { httpLimitRows } from './limit-cases.js';
import { asDer, withLargeS, withS } from './signatures.js';
import { CALLERS, NOW, witOf } from './tokens.js';
import type { HttpCase, RequestVector } from './vectors.js';

const HTTP06 = 'draft-ietf-wimse-http-signature-06 "The Protocol"';

const accepted: readonly HttpRow[] = [
  ['-07, EdDSA', HTTP, {}, 'accept'],
  ['-06, EdDSA', HTTP06, { draft: '06' }, 'accept'],
  ['-07, ES256', HTTP, { caller: CALLERS.planner }, 'accept'],
  ['-06, ES256', HTTP06, { caller: CALLERS.planner, draft: '06' }, 'accept'],
  ['-07, RS256', 'RFC 9421 3.3.7', { caller: CALLERS.rsa }, 'accept'],
  ['-07, a high s', 'RFC 7518 3.4', { caller: CALLERS.planner, bend: (bytes) => withS('high', bytes) }, 'accept'],
  ['-07, with a body', HTTP, { body: BODY }, 'accept'],
  ['-06, with a body', HTTP06, { draft: '06', body: BODY }, 'accept'],
  [
    '-07, two digests',
    'RFC 9530 2',
    { body: BODY, digest: `${contentDigest(BODY, 'sha-512')}, ${contentDigest(BODY)}` },
    'accept',
  ],
  [
    '-07, an unknown digest and a good one',
    'RFC 9530 2',
    { body: BODY, digest: `x-new=:AAAA:, ${contentDigest(BODY)}` },
    'accept',
  ],
  ['-07, no query', 'RFC 9421 2.2.7', { target: '/orders' }, 'accept'],
  ['-07, an empty query', 'RFC 9421 2.2.7', { target: '/orders?' }, 'accept'],
  ['-07, a target that is not normalised', 'RFC 9421 2.2.6', { target: '/a/%2e%2E/./b//c?x=%20&y=+' }, 'accept'],
  [
    '-06, a target in absolute form',
    'RFC 9421 2.2.5',
    { draft: '06', target: 'https://tools.example.org/orders?item=book' },
    'accept',
  ],
  [
    '-07, Authorization and Txn-Token',
    HTTP,
    {
      more: [
        ['Authorization', 'Bearer token'],
        ['Txn-Token', 'token'],
      ],
    },
    'accept',
  ],
  ['-07, a signed response wanted', HTTP, { parameters: asked }, 'accept'],
  ['-07, components besides', HTTP, { besides: ['"@authority"', '"host"'] }, 'accept'],
  [
    '-07, components with parameters besides',
    'RFC 9421 2.1.2, 2.1.3, 2.2.8',
    {
      more: [['X-Trace', 'a=1, b=2']],
      besides: ['"x-trace";key="b"', '"x-trace";bs', '"@query-param";name="item"'],
      values: { '"x-trace";key="b"': '2', '"x-trace";bs': ':YT0xLCBiPTI=:', '"@query-param";name="item"': 'book' },
    },
    'accept',
  ],
  ['-07, no body, by its length', 'RFC 9110 8.6', { method: 'POST', more: [['Content-Length', '0']] }, 'accept'],
  ['-07, a parameter that nobody knows', 'RFC 9421 2.3', { parameters: { 'x-trace': '"1"' } }, 'accept'],
  [
    '-07, parameters in another order',
    'RFC 9421 2.3',
    {
      parameters: {
        created: undefined,
        expires: undefined,
        tag: undefined,
        nonce: undefined,
        'wimse-aud': undefined,
        ...reordered(),
      },
    },
    'accept',
  ],
  ['-07, another label', HTTP, { label: 'sig1' }, 'accept'],
  [
    '-07, a signature of somebody else besides',
    HTTP,
    {
      change: (request) => withMember(request, 'proxy=("@method");created=1;keyid="p"', 'proxy=:AAAA:'),
    },
    'accept',
  ],
  [
    '-07, a field in two lines',
    'RFC 9110 5.3',
    {
      more: [
        ['X-List', 'a'],
        ['x-list', ' b '],
      ],
      besides: ['"x-list"'],
      values: { '"x-list"': 'a, b' },
    },
    'accept',
  ],
  ['-07, expired within the leeway', HTTP, { now: NOW + 69 }, 'accept'],
  [
    '-07, an audience with the default port and a scheme and host in upper case',
    'RFC 9110 4.2.3',
    { parameters: { 'wimse-aud': text('HTTPS://TOOLS.example.org:443/orders') } },
    'accept',
    'should',
  ],
  ['-07, an agreed audience', HTTP, { parameters: { 'wimse-aud': text('orders') }, audiences: ['orders'] }, 'accept'],
  ['-07, who is allowed', HTTP, { authorized: [CALLERS.courier.id] }, 'accept'],
  [
    'the nonce that another sender has used',
    HTTP,
    {
      caller: CALLERS.planner,
      parameters: { nonce: text(nonceOf('-07, EdDSA')) },
      after: ['-07, EdDSA'],
    },
    'accept',
  ],
];

const integrity: readonly HttpRow[] = [
  ['another method', 'RFC 9421 3.2', { change: (request) => ({ ...request, method: 'DELETE' }) }, 'bad-signature'],
  [
    'the method in another case',
    'RFC 9421 2.2.1',
    { change: (request) => ({ ...request, method: 'get' }) },
    'bad-signature',
  ],
  [
    'another path',
    'RFC 9421 2.2.6',
    { change: (request) => ({ ...request, target: '/admin?item=book' }) },
    'bad-signature',
  ],
  [
    'another query',
    'RFC 9421 2.2.7',
    { change: (request) => ({ ...request, target: '/orders?item=car' }) },
    'bad-signature',
  ],
  [
    'the same path, percent-encoded',
    'RFC 9421 2.2.6',
    {
      change: (request) => ({ ...request, target: '/%6frders?item=book' }),
    },
    'bad-signature',
  ],
  [
    'the absolute form of the same target, -06',
    'RFC 9421 2.2.5',
    {
      draft: '06',
      change: (request) => ({ ...request, target: 'https://tools.example.org/orders?item=book' }),
    },
    'bad-signature',
  ],
  [
    'another value of a covered field',
    'RFC 9421 2.1',
    {
      more: [['Authorization', 'Bearer token']],
      change: (request) => withField(request, 'Authorization', 'Bearer other'),
    },
    'bad-signature',
  ],
  ['by another key', HTTP, { key: 'attacker-ed25519' }, 'bad-signature'],
  ['with the WIT of another workload', HTTP, { wit: witOf(CALLERS.planner) }, 'bad-signature'],
  ['an ECDSA signature in DER', 'RFC 9421 3.3.4', { caller: CALLERS.planner, bend: asDer }, 'bad-signature'],
  ['r and s zero', 'RFC 9421 3.3.4', { caller: CALLERS.planner, bend: () => Buffer.alloc(64) }, 'bad-signature'],
  ['an Ed25519 signature with S out of range', 'RFC 8032 5.1.7', { bend: withLargeS }, 'bad-signature'],
  ['an Ed25519 signature of 63 bytes', 'RFC 9421 3.3.6', { bend: (bytes) => bytes.subarray(1) }, 'bad-signature'],
  ['a body without a digest', HTTP, { body: BODY, digest: '' }, 'missing-digest'],
  ['another body', HTTP, { body: BODY, change: withBody('{"item":"cars"}') }, 'wrong-digest'],
  ['an empty body in place of one', HTTP, { body: BODY, change: withBody('') }, 'wrong-digest'],
  ['a digest that was wrong when it was signed', HTTP, { body: BODY, digest: contentDigest('other') }, 'wrong-digest'],
  [
    'two digests, one of them wrong',
    'RFC 9530 2',
    {
      body: BODY,
      digest: `${contentDigest(BODY)}, ${contentDigest('other', 'sha-512')}`,
    },
    'wrong-digest',
    'stricter',
  ],
  ['only a digest that nobody knows', HTTP, { body: BODY, digest: 'x-new=:AAAA:' }, 'unusable-digest'],
  ['an MD5 digest', 'RFC 9530 5', { body: BODY, digest: 'md5=:1B2M2Y8AsgTpgAmY7PhCfg==:' }, 'unusable-digest'],
  [
    'an MD5 digest and a good one',
    'RFC 9530 5',
    { body: BODY, digest: `md5=:1B2M2Y8AsgTpgAmY7PhCfg==:, ${contentDigest(BODY)}` },
    'unusable-digest',
    'stricter',
  ],
  ['a digest that is no byte sequence', 'RFC 9530 2', { body: BODY, digest: 'sha-256="x"' }, 'bad-structured-field'],
  [
    'a body that is announced and was not given',
    HTTP,
    {
      body: BODY,
      change: (request) => ({ ...request, body: null }),
    },
    'missing-body',
    'stricter',
  ],
  [
    'a body that is announced in chunks and was not given',
    HTTP,
    { method: 'POST', more: [['Transfer-Encoding', 'chunked']] },
    'missing-body',
    'stricter',
  ],
];

const decisions: readonly HttpRow[] = [
  ['sent twice', `${HTTP}, "Replay Protection"`, { ...repeated('-07, EdDSA') }, 'replayed', 'should'],
  [
    'made again with the same nonce',
    `${HTTP}, "Replay Protection"`,
    {
      ...repeated('-07, EdDSA'),
      method: 'DELETE',
    },
    'replayed',
    'should',
  ],
  ['not the one who is allowed', HTTP, { authorized: [CALLERS.planner.id] }, 'not-authorized'],
  ['a name that begins with an allowed one', HTTP, { authorized: ['wimse://example.org/agents'] }, 'not-authorized'],
  ['another audience', HTTP, { parameters: { 'wimse-aud': text('https://elsewhere.test/orders') } }, 'wrong-audience'],
  [
    'the audience that Host says',
    HTTP,
    {
      parameters: { 'wimse-aud': text('https://elsewhere.test/orders') },
      more: [['X-Forwarded-Host', 'elsewhere.test']],
      change: (request) => withField(request, 'Host', 'elsewhere.test'),
    },
    'wrong-audience',
  ],
  ['an audience that others are configured with', HTTP, { audiences: ['orders'] }, 'wrong-audience'],
  [
    'only a part of the audience',
    HTTP,
    { parameters: { 'wimse-aud': text('https://tools.example.org/') } },
    'wrong-audience',
  ],
  ['expired by the leeway', HTTP, { now: NOW + 70 }, 'expired'],
  ['created in the future', HTTP, { now: NOW - 11 }, 'not-yet-valid'],
  ['expires before created', HTTP, { parameters: { expires: `${NOW - 1}` } }, 'expires-before-created'],
  ['valid for an hour', HTTP, { parameters: { expires: `${NOW + 3600}` } }, 'lifetime-too-long', 'stricter'],
  ['the WIT has expired', HTTP, { wit: witOf(CALLERS.courier, { exp: NOW - 31 }), part: 'wit' }, 'expired'],
  ['-06 where -07 is accepted', HTTP, { draft: '06', drafts: [draftName('07')] }, 'not-covered'],
  ['-07 where -06 is accepted', HTTP06, { drafts: [draftName('06')] }, 'not-covered'],
];

export function httpCases(): HttpCase[] {
  return [
    ...accepted,
    ...integrity,
    ...decisions,
    ...coverageRows(),
    ...parameterRows(),
    ...responseRows(),
    ...httpLimitRows(),
  ].map(toHttpCase);
}

function withField(request: RequestVector, name: string, value: string): RequestVector {
  const headers = request.headers.map(([key, old]) => (key === name ? ([key, value] as const) : ([key, old] as const)));
  return { ...request, headers };
}

/** One more member in both fields of the signature. */
function withMember(request: RequestVector, input: string, signature: string): RequestVector {
  const added: Readonly<Record<string, string>> = { 'Signature-Input': input, Signature: signature };
  const headers = request.headers.map(([name, value]) => {
    const more = added[name];
    return more === undefined ? ([name, value] as const) : ([name, `${more}, ${value}`] as const);
  });
  return { ...request, headers };
}

function withBody(body: string): (request: RequestVector) => RequestVector {
  return (request) => ({ ...request, body: Buffer.from(body).toString('base64') });
}

function repeated(name: string): HttpParts {
  return { parameters: { nonce: text(nonceOf(name)) }, after: [name] };
}

/** Entries of an object keep the place of their first mention, so they are written anew under the same names. */
function reordered(): Readonly<Record<string, string>> {
  return {
    'wimse-aud': text(AUDIENCE),
    tag: text('wimse-workload-to-workload'),
    nonce: text('nonce-reordered-000000001'),
    expires: `${NOW + 60}`,
    created: `${NOW}`,
  };
}
