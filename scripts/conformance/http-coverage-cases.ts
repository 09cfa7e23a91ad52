import { BODY, HTTP, type HttpRow } from './http-maker.js';
import { CALLERS, witOf } from './tokens.js';
import type { HeaderList, RequestVector } from './vectors.js';

const WIT_FIELD = 'Workload-Identity-Token';
const SIGNATURE_FIELDS = ['Signature', 'Signature-Input'];

/** What has to be signed, what may be, and how WIT and signature travel. */
export function coverageRows(): readonly HttpRow[] {
  return [...coverage, ...components, ...carriage];
}

const coverage: readonly HttpRow[] = [
  ['@method not signed', HTTP, { without: ['"@method"'] }, 'not-covered'],
  ['@path not signed', HTTP, { without: ['"@path"'] }, 'not-covered'],
  ['@query not signed', HTTP, { without: ['"@query"'] }, 'not-covered'],
  ['@request-target not signed, -06', HTTP, { draft: '06', without: ['"@request-target"'] }, 'not-covered'],
  ['the WIT not signed', HTTP, { without: ['"workload-identity-token"'] }, 'not-covered'],
  ['nothing signed', HTTP, { covered: [] }, 'not-covered'],
  [
    'Authorization not signed',
    HTTP,
    {
      more: [['Authorization', 'Bearer token']],
      without: ['"authorization"'],
    },
    'not-covered',
  ],
  ['Txn-Token not signed', HTTP, { more: [['Txn-Token', 'token']], without: ['"txn-token"'] }, 'not-covered'],
  ['Content-Type not signed', HTTP, { body: BODY, without: ['"content-type"'] }, 'not-covered'],
  ['Content-Digest not signed', HTTP, { body: BODY, without: ['"content-digest"'] }, 'not-covered'],
  [
    'Authorization put in after signing',
    HTTP,
    {
      change: (request) => added(request, [['Authorization', 'Bearer token']]),
    },
    'not-covered',
  ],
  [
    '@target-uri in place of @path and @query',
    HTTP,
    {
      covered: ['"@method"', '"@target-uri"', '"workload-identity-token"'],
      values: { '"@target-uri"': 'https://tools.example.org/orders?item=book' },
    },
    'not-covered',
  ],
];

const components: readonly HttpRow[] = [
  ['a component twice', 'RFC 9421 2', { besides: ['"@method"'] }, 'bad-component'],
  [
    '@signature-params among the components',
    'RFC 9421 2.3',
    {
      besides: ['"@signature-params"'],
      values: { '"@signature-params"': '' },
    },
    'bad-component',
  ],
  [
    'a field name in upper case',
    'RFC 9421 2.1',
    { besides: ['"Host"'], values: { '"Host"': 'tools.example.org' } },
    'bad-component',
  ],
  [
    'a derived component that nobody knows',
    'RFC 9421 2.2',
    { besides: ['"@new"'], values: { '"@new"': 'x' } },
    'bad-component',
  ],
  [
    'req on a request',
    'RFC 9421 2.4',
    { besides: ['"@method";req'], values: { '"@method";req': 'GET' } },
    'bad-component',
  ],
  ['a parameter that no component has', 'RFC 9421 2.1', { besides: ['"host";x'] }, 'bad-component'],
  [
    'a component that is a token',
    'RFC 9421 2.3',
    { besides: ['host'], values: { host: 'tools.example.org' } },
    'bad-component',
  ],
  ['a trailer field', 'RFC 9421 2.1.4', { besides: ['"host";tr'] }, 'bad-component', 'stricter'],
  ['the WIT as a byte sequence', HTTP, { besides: ['"workload-identity-token";bs'] }, 'bad-component', 'stricter'],
  ['a field that is not there', 'RFC 9421 2.5', { besides: ['"x-absent"'] }, 'missing-component'],
  [
    'a field that is not ASCII',
    'RFC 9421 2.5',
    { more: [['X-Name', 'caf\u00e9']], besides: ['"x-name"'] },
    'missing-component',
  ],
  [
    '@status of a request',
    'RFC 9421 2.2.9',
    { besides: ['"@status"'], values: { '"@status"': '200' } },
    'bad-component',
  ],
];

const carriage: readonly HttpRow[] = [
  ['no WIT', HTTP, { change: (request) => without(request, [WIT_FIELD]) }, 'missing-wit'],
  [
    'two WIT fields',
    HTTP,
    { change: (request) => added(request, [[WIT_FIELD, witOf(CALLERS.planner)]]) },
    'duplicate-header',
  ],
  ['two WITs in one field', HTTP, { wit: `${witOf(CALLERS.courier)}, ${witOf(CALLERS.planner)}` }, 'bad-header'],
  [
    'the WIT as a bearer token as well',
    HTTP,
    {
      more: [['Authorization', `Bearer ${witOf(CALLERS.courier)}`]],
    },
    'bad-header',
  ],
  ['no signature', HTTP, { change: (request) => without(request, SIGNATURE_FIELDS) }, 'missing-proof'],
  [
    'Signature-Input without Signature',
    'RFC 9421 4.2',
    { change: (request) => without(request, ['Signature']) },
    'unpaired-label',
  ],
  [
    'Signature without Signature-Input',
    'RFC 9421 4.2',
    {
      change: (request) => without(request, ['Signature-Input']),
    },
    'unpaired-label',
  ],
  ['one label twice', 'RFC 9421 4.1', { change: doubled }, 'duplicate-member', 'stricter'],
  ['two signatures with the tag', HTTP, { change: (request) => doubled(request, 'other') }, 'ambiguous-signature'],
  [
    'two Content-Type fields',
    HTTP,
    {
      body: BODY,
      change: (request) => added(request, [['content-type', 'text/plain']]),
    },
    'duplicate-header',
    'stricter',
  ],
  [
    'two Txn-Token fields',
    HTTP,
    {
      more: [['Txn-Token', 'a.b.c']],
      change: (request) => added(request, [['txn-token', 'd.e.f']]),
    },
    'duplicate-header',
    'stricter',
  ],
  [
    'two Authorization fields',
    HTTP,
    {
      more: [['Authorization', 'Bearer token']],
      change: (request) => added(request, [['authorization', 'Bearer other']]),
    },
    'duplicate-header',
    'stricter',
  ],
  [
    'a Workload Proof Token of -01 next to it',
    HTTP,
    { more: [['Workload-Proof-Token', 'a.b.c']] },
    'two-proofs',
    'stricter',
  ],
  [
    'a Workload Proof Token of -02 next to it',
    HTTP,
    { more: [['Authorization', 'WPT a.b.c']] },
    'two-proofs',
    'stricter',
  ],
  [
    'spaces in Signature-Input that nobody signed',
    'RFC 9421 3.2 step 7',
    {
      respell: (input) => input.replace('("@method" ', '( "@method"  '),
    },
    'not-canonical',
    'stricter',
  ],
  [
    'Signature-Input that cannot be parsed',
    'RFC 9421 4.1',
    { respell: (input) => `${input};` },
    'bad-structured-field',
  ],
  ['Signature-Input that is no inner list', 'RFC 9421 4.1', { respell: () => 'wimse="x"' }, 'bad-structured-field'],
  [
    'a signature that is no byte sequence',
    'RFC 9421 4.2',
    { change: (request) => added(without(request, ['Signature']), [['Signature', 'wimse="AAAA"']]) },
    'bad-structured-field',
  ],
];

function added(request: RequestVector, more: HeaderList): RequestVector {
  return { ...request, headers: [...request.headers, ...more] };
}

function without(request: RequestVector, names: readonly string[]): RequestVector {
  return { ...request, headers: request.headers.filter(([name]) => !names.includes(name)) };
}

/** The members of both fields once more, under a label. */
function doubled(request: RequestVector, label = 'wimse'): RequestVector {
  const headers = request.headers.map(([name, value]) =>
    SIGNATURE_FIELDS.includes(name)
      ? ([name, `${value}, ${value.replace('wimse=', `${label}=`)}`] as const)
      : ([name, value] as const),
  );
  return { ...request, headers };
}
