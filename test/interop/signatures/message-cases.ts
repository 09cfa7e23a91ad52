import { createHash } from 'node:crypto';
import type {
  ComponentLike,
  HttpMessage,
  HttpRequestMessage,
  HttpResponseMessage,
  SignatureParameters,
} from 'svidkit/http-signature';

/** Registered names of RFC 9421 section 6.2, with the keys they sign with. */
export const ALGORITHMS = {
  ed25519: 'Ed25519',
  'ecdsa-p256-sha256': 'P-256',
  'ecdsa-p384-sha384': 'P-384',
  'rsa-pss-sha512': 'RSA',
  'rsa-v1_5-sha256': 'RSA',
} as const;

export type MessageAlgorithm = keyof typeof ALGORITHMS;

export interface MessageCase {
  readonly name: string;
  readonly message: HttpMessage;
  readonly components: readonly ComponentLike[];
  readonly parameters: SignatureParameters;
  readonly label: string;
  readonly algorithms: readonly MessageAlgorithm[];
  /** Changes the message between signing and verifying, so that it has to be refused. */
  readonly change?: ((message: HttpMessage) => HttpMessage) | undefined;
}

interface Parts {
  readonly message?: HttpMessage;
  readonly parameters?: SignatureParameters;
  readonly label?: string;
  readonly every?: true;
  readonly change?: (message: HttpMessage) => HttpMessage;
}

const BODY = '{"item":"book"}';
const digest = (name: 'sha256' | 'sha512'): string => createHash(name).update(BODY).digest('base64');
const FIELDS = [
  ...['Host', 'tools.example.org', 'Content-Type', 'application/json', 'Content-Length', `${BODY.length}`],
  ...['Content-Digest', `sha-256=:${digest('sha256')}:,   sha-512=:${digest('sha512')}:`],
  ...['X-List', 'a, b', 'X-List', 'c', 'X-Empty', '', 'X-Space', ' in  the middle\tof it '],
  ...[
    'X-Dictionary',
    'a=1;x="y", b=(c  d);e, f',
    'Authorization',
    'Bearer token',
    'Workload-Identity-Token',
    'aGVhZA.Ym9keQ.c2ln',
  ],
];
const REQUEST: HttpRequestMessage = {
  method: 'POST',
  target: '/orders?item=book&count=2',
  scheme: 'https',
  rawHeaders: FIELDS,
};
const RESPONSE: HttpResponseMessage = {
  status: 201,
  rawHeaders: ['Content-Type', 'application/json', 'Content-Digest', `sha-256=:${digest('sha256')}:`],
  request: REQUEST,
};

const to = (changes: Partial<HttpRequestMessage>): HttpRequestMessage => ({ ...REQUEST, ...changes });
const at = (host: string): HttpRequestMessage => to({ rawHeaders: ['Host', host, ...FIELDS.slice(2)] });
const of = (name: string, parameters: Readonly<Record<string, string | true>>): ComponentLike => ({ name, parameters });
const req = (name: string): ComponentLike => of(name, { req: true });

/** What is signed by one and verified by the other. `now` is in seconds: the peers look at the clock of the machine. */
export function messageCases(now: number): readonly MessageCase[] {
  const usual = { created: now, expires: now + 300, nonce: 'once', keyid: 'key', tag: 'test' };
  const life = { created: now, expires: now + 60, nonce: 'bm9uY2U', tag: 'wimse-workload-to-workload' };
  const row = (name: string, components: readonly ComponentLike[], parts: Parts = {}): MessageCase => ({
    name,
    components,
    message: parts.message ?? REQUEST,
    parameters: parts.parameters ?? usual,
    label: parts.label ?? 'sig1',
    algorithms: parts.every ? (Object.keys(ALGORITHMS) as MessageAlgorithm[]) : ['ed25519'],
    change: parts.change,
  });
  const response = (name: string, components: readonly ComponentLike[], parts: Parts = {}): MessageCase =>
    row(`response: ${name}`, components, { message: RESPONSE, ...parts });
  const wimse = [
    '@method',
    '@path',
    '@query',
    'content-type',
    'content-digest',
    'authorization',
    'workload-identity-token',
  ];
  return [
    row('method, target and fields', ['@method', '@path', '@query', 'content-type', 'content-digest'], { every: true }),
    row('every derived component', [
      '@method',
      '@target-uri',
      '@authority',
      '@scheme',
      '@request-target',
      '@path',
      '@query',
    ]),
    row('alg named', ['@method', '@path'], { every: true, parameters: { ...usual, alg: undefined, ...named() } }),
    row('nothing covered', []),
    row('a field in two lines', ['x-list']),
    row('an empty field', ['x-empty']),
    row('white space in a field', ['x-space']),
    row('a field as bytes', [of('x-list', { bs: true })]),
    row('a field serialised strictly', [of('content-digest', { sf: true })]),
    row('a member of a dictionary', [of('content-digest', { key: 'sha-256' })]),
    row('a member that is an inner list', [of('x-dictionary', { key: 'b' })]),
    row('a member that is true', [of('x-dictionary', { key: 'f' })]),
    row('a query parameter', [of('@query-param', { name: 'item' })]),
    row('an encoded query parameter', [of('@query-param', { name: 'a%20b' })], {
      message: to({ target: '/orders?a+b=x%2fy%26+%C3%A9' }),
    }),
    row('a query parameter with marks that forms encode', [of('@query-param', { name: 'a' })], {
      message: to({ target: '/orders?a=*~!' }),
    }),
    row('no query', ['@query', '@target-uri'], { message: to({ target: '/orders' }) }),
    row('an empty query', ['@query'], { message: to({ target: '/orders?' }) }),
    row('an empty query in the request target', ['@request-target'], { message: to({ target: '/orders?' }) }),
    row('an encoded path and query', ['@path', '@query'], { message: to({ target: '/a%20b/%2F/%7e?x=%20+%2f' }) }),
    row('an encoded request target', ['@request-target'], { message: to({ target: '/a%20b/%2F/%7e?x=%20+%2f' }) }),
    row('dot segments in the path', ['@path'], { message: to({ target: '/a/./b/../c' }) }),
    row('dot segments in the request target', ['@request-target'], { message: to({ target: '/a/./b/../c' }) }),
    row('an upper-case host', ['@authority'], { message: at('Tools.Example.ORG') }),
    row('the default port', ['@authority'], { message: at('tools.example.org:443') }),
    row('another port', ['@authority', '@target-uri'], { message: at('tools.example.org:8443') }),
    row('a method in mixed case', ['@method'], { message: to({ method: 'Patch' }) }),
    row('quotes in a parameter', ['@method'], { parameters: { ...usual, nonce: 'a "quoted" \\ text' } }),
    row('a label with every kind of character', ['@method'], { label: '*a-1_b.c' }),
    row('no created', ['@method'], { parameters: { nonce: 'once', keyid: 'key', tag: 'test' } }),
    row('no keyid', ['@method'], { parameters: { created: now, tag: 'test' } }),
    row('the WIMSE profile', wimse, {
      every: true,
      label: 'wimse',
      parameters: { ...life, 'wimse-aud': 'https://tools.example.org/orders' },
    }),
    row('the WIMSE profile, a signed response wanted', wimse, {
      label: 'wimse',
      parameters: { ...life, 'wimse-aud': 'https://tools.example.org/orders', 'wimse-sign-response': true },
    }),
    row('another method than the signed one', ['@method', '@path'], { every: true, change: changedMethod }),
    row('another field than the signed one', ['@method', 'x-space'], { change: changedField }),
    response('status and fields', ['@status', 'content-type', 'content-digest'], { every: true }),
    response('bound to its request', ['@status', req('@method'), req('@path'), req('@query'), req('content-type')], {
      every: true,
    }),
    response('a member of a dictionary of its request', [
      '@status',
      of('content-digest', { key: 'sha-256', req: true }),
    ]),
    response('the WIMSE profile', ['@status', 'content-digest', req('@method'), req('@path'), req('@query')], {
      label: 'wimse',
      parameters: { ...life, 'wimse-req-nonce': 'cmVxdWVzdA' },
    }),
    response('another status than the signed one', ['@status'], { change: (message) => ({ ...message, status: 200 }) }),
    response('another request than the signed one', ['@status', req('@method')], {
      change: (message) => ({ ...message, request: to({ method: 'PUT' }) }),
    }),
  ];

  /** The name is filled in for each algorithm. */
  function named(): SignatureParameters {
    return { alg: ALG_HERE };
  }
}

/** Stands for the name of the algorithm that a case is signed with. */
export const ALG_HERE = '(the algorithm)';

function changedMethod(message: HttpMessage): HttpMessage {
  return { ...message, method: 'PUT' } as HttpRequestMessage;
}

function changedField(message: HttpMessage): HttpMessage {
  const index = message.rawHeaders.indexOf('X-Space') + 1;
  return { ...message, rawHeaders: message.rawHeaders.with(index, 'in the middle of it') };
}
