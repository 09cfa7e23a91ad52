import { createHash } from 'node:crypto';
import { type KeyName, thumbprint } from './keys.js';
import type { Reason } from './reasons.js';
import { type Algorithm, isDeterministic, signatures } from './signatures.js';
import { CALLERS, type Caller, hash, NOW, type TrustName, witOf } from './tokens.js';
import type { HeaderList, HttpCase, ProofLimits, RequestVector, ResponseVector } from './vectors.js';

export const AUDIENCE = 'https://tools.example.org/orders';
const TARGET = '/orders?item=book';
export const BODY = '{"item":"book"}';
export type Draft = '07' | '06';

export const draftName = (draft: Draft): string => `draft-ietf-wimse-http-signature-${draft}`;
const WIT_FIELD = 'Workload-Identity-Token';

/** What of a message is signed, and how it is written down. */
interface SignatureParts {
  /** Component identifiers as they stand in the signature base. Default: what the draft asks for. */
  readonly covered?: readonly string[];
  /** Identifiers that are signed besides. */
  readonly besides?: readonly string[];
  /** Identifiers that are left out. */
  readonly without?: readonly string[];
  /** Parameters as text by name: `undefined` leaves one out, an empty text is a parameter without a value. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  /** Values that are not those of the message. */
  readonly values?: Readonly<Record<string, string>>;
  readonly label?: string;
  readonly key?: KeyName;
  readonly alg?: Algorithm;
  readonly bend?: (signature: Buffer) => Uint8Array;
  /** Changes what goes into the fields, after signing. */
  readonly respell?: (signatureInput: string) => string;
}

/** What a row changes in a good request of the courier: GET, EdDSA, -07. */
interface RequestParts extends SignatureParts {
  readonly draft?: Draft;
  readonly caller?: Caller;
  readonly wit?: string;
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
  /** Fields besides Host, Workload-Identity-Token and those of body and signature. */
  readonly more?: HeaderList;
  readonly digest?: string;
  /** Changes the finished request, after it was signed. */
  readonly change?: (request: RequestVector) => RequestVector;
}

export interface HttpParts extends RequestParts {
  /** Makes a case of the response to that request. */
  readonly response?: ResponseParts;
  readonly audiences?: readonly string[];
  readonly drafts?: readonly string[];
  readonly authorized?: readonly string[];
  readonly after?: readonly string[];
  readonly trust?: TrustName;
  readonly now?: number;
  readonly limits?: ProofLimits;
  readonly part?: 'wit';
}

/** What a row changes in a good response: 204 from orders, EdDSA. */
export interface ResponseParts extends SignatureParts {
  readonly caller?: Caller;
  readonly wit?: string;
  readonly status?: number;
  readonly body?: string;
  readonly more?: HeaderList;
  readonly digest?: string;
  readonly unsigned?: true;
  readonly change?: (response: ResponseVector) => ResponseVector;
}

export type HttpRow = readonly [
  name: string,
  clause: string,
  parts: HttpParts,
  verdict: Reason | 'accept',
  level?: 'should' | 'stricter',
];

export const HTTP = 'draft-ietf-wimse-http-signature-07 "The Protocol"';
export const RESPONSE = 'draft-ietf-wimse-http-signature-07 "Signing the Response"';
export const text = (value: string): string => `"${value}"`;
export const asked = { 'wimse-sign-response': '' };

/** The nonce of a case: no two cases have the same one unless they say so. */
export const nonceOf = (name: string): string => `nonce-${hash(name).slice(0, 22)}`;

export function contentDigest(body: string, algorithm: 'sha-256' | 'sha-512' = 'sha-256'): string {
  return `${algorithm}=:${createHash(algorithm.replace('-', '')).update(body).digest('base64')}:`;
}

interface Signed {
  readonly fields: HeaderList;
  readonly base: string;
}

/** Signs with the signature base put together here. */
function signed(
  covered: readonly string[],
  value: (id: string) => string,
  parts: SignatureParts,
  by: Caller,
  params: Readonly<Record<string, string | undefined>>,
): Signed {
  const { key = by.key, alg = by.alg, label = 'wimse', bend, respell = (input) => input } = parts;
  const tail = Object.entries({ ...params, ...parts.parameters })
    .flatMap(([name, value]) => (value === undefined ? [] : [value === '' ? `;${name}` : `;${name}=${value}`]))
    .join('');
  const ids = (parts.covered ?? [...covered, ...(parts.besides ?? [])]).filter((id) => !parts.without?.includes(id));
  const input = `(${ids.join(' ')})${tail}`;
  const lines = ids.map((id) => `${id}: ${parts.values?.[id] ?? value(id)}`);
  const base = [...lines, `"@signature-params": ${input}`].join('\n');
  const signature = signatures.sign(alg, key, base);
  const bytes = Buffer.from(bend?.(signature) ?? signature).toString('base64');
  return {
    base,
    fields: [
      ['Signature-Input', respell(`${label}=${input}`)],
      ['Signature', `${label}=:${bytes}:`],
    ],
  };
}

function makeRequest(name: string, parts: RequestParts): { readonly request: RequestVector; readonly base: string } {
  const { draft = '07', caller = CALLERS.courier, target = TARGET, body, more = [] } = parts;
  const method = parts.method ?? (body === undefined ? 'GET' : 'POST');
  const digest = parts.digest ?? (body === undefined ? undefined : contentDigest(body));
  const headers: HeaderList = [
    ['Host', 'tools.example.org'],
    ...more,
    ...bodyFields(body, digest),
    [WIT_FIELD, parts.wit ?? witOf(caller)],
  ];
  const targets = draft === '07' ? ['"@path"', '"@query"'] : ['"@request-target"'];
  const present = ['content-type', 'content-digest', 'authorization', 'txn-token'].filter((field) =>
    has(headers, field),
  );
  const covered = ['"@method"', ...targets, ...present.map(text), text(WIT_FIELD.toLowerCase())];
  const { fields, base } = signed(covered, (id) => requestValue(id, method, target, headers), parts, caller, {
    created: `${NOW}`,
    expires: `${NOW + 60}`,
    nonce: text(nonceOf(name)),
    tag: text('wimse-workload-to-workload'),
    'wimse-aud': text(AUDIENCE),
  });
  const request = { method, target, headers: [...headers, ...fields], body: encoded(body) };
  return { request: parts.change?.(request) ?? request, base };
}

function makeResponse(
  name: string,
  parts: ResponseParts,
  request: RequestVector,
  draft: Draft,
): { readonly response: ResponseVector; readonly base: string } {
  const { caller = CALLERS.orders, body, more = [] } = parts;
  const status = parts.status ?? (body === undefined ? 204 : 200);
  const digest = parts.digest ?? (body === undefined ? undefined : contentDigest(body));
  const wit: HeaderList = parts.unsigned ? [] : [[WIT_FIELD, parts.wit ?? witOf(caller)]];
  const headers: HeaderList = [...more, ...bodyFields(body, digest), ...wit];
  const targets = draft === '07' ? ['"@path";req', '"@query";req'] : ['"@request-target";req'];
  const present = ['content-type', 'content-digest'].filter((field) => has(headers, field));
  const covered = ['"@status"', text(WIT_FIELD.toLowerCase()), ...present.map(text), '"@method";req', ...targets];
  const value = (id: string): string => {
    if (id === '"@status"') return `${status}`;
    if (!id.endsWith(';req')) return fieldValue(id, headers);
    return requestValue(id.slice(0, -4), request.method, request.target, request.headers);
  };
  const { fields, base } = signed(covered, value, parts, caller, {
    created: `${NOW}`,
    expires: `${NOW + 60}`,
    nonce: text(nonceOf(`the response of ${name}`)),
    tag: text('wimse-workload-to-workload'),
    'wimse-req-nonce': text(nonceOf(name)),
  });
  const response = { status, headers: [...headers, ...(parts.unsigned ? [] : fields)], body: encoded(body) };
  return { response: parts.change?.(response) ?? response, base };
}

export function toHttpCase([name, clause, parts, verdict, level]: HttpRow): HttpCase {
  const { draft = '07', caller = CALLERS.courier, audiences, drafts, authorized, after, trust, now } = parts;
  const sent = makeRequest(name, parts);
  const answer = parts.response && makeResponse(name, parts.response, sent.request, draft);
  const signer = parts.response ? (parts.response.caller ?? CALLERS.orders) : caller;
  const { alg = signer.alg, label = 'wimse' } = parts.response ?? parts;
  const common = {
    ...{ name, clause, requirement: level ?? ('must' as const) },
    ...{ trust, now, ...parts.limits, audiences, drafts, authorized, after },
    ...{ request: sent.request, response: answer?.response },
  };
  if (verdict !== 'accept') {
    return { ...common, expected: { verdict: 'refuse', part: parts.part ?? 'proof', reason: verdict } };
  }
  const parameters = (parts.response ?? parts).parameters ?? {};
  const nonce = (parameters['nonce'] ?? text(nonceOf(parts.response ? `the response of ${name}` : name))).slice(1, -1);
  const ofRequest = {
    audience: (audiences ?? [AUDIENCE])[0],
    signResponse: parts.parameters?.['wimse-sign-response'] === '',
  };
  return {
    ...common,
    signatureBase: answer?.base ?? sent.base,
    label,
    expected: {
      ...{ verdict, identity: signer.id, thumbprint: thumbprint(signer.key), draft: draftName(draft), nonce },
      ...(parts.response ? {} : ofRequest),
    },
    signedWith: isDeterministic(alg) ? signer.key : undefined,
  };
}

function bodyFields(body: string | undefined, digest: string | undefined): HeaderList {
  const described: HeaderList =
    body === undefined
      ? []
      : [
          ['Content-Type', 'application/json'],
          ['Content-Length', `${Buffer.byteLength(body)}`],
        ];
  return digest === undefined || digest === '' ? described : [...described, ['Content-Digest', digest]];
}

function requestValue(id: string, method: string, target: string, headers: HeaderList): string {
  const [, path = '', query = ''] = /^(?:https?:\/\/[^/]*)?([^?]*)\??(.*)$/.exec(target) ?? [];
  const derived: Readonly<Record<string, string>> = {
    '"@method"': method,
    '"@request-target"': target,
    '"@path"': path,
    '"@query"': `?${query}`,
    '"@authority"': 'tools.example.org',
  };
  return derived[id] ?? fieldValue(id, headers);
}

function fieldValue(id: string, headers: HeaderList): string {
  return headers
    .filter(([name]) => text(name.toLowerCase()) === id.replace(/;.*$/, ''))
    .map(([, value]) => value)
    .join(', ');
}

function has(headers: HeaderList, field: string): boolean {
  return headers.some(([name]) => name.toLowerCase() === field);
}

function encoded(body: string | undefined): string | null {
  return body === undefined ? null : Buffer.from(body).toString('base64');
}
