import {
  type IncomingRequest,
  type OutgoingRequest,
  type SignedRequest,
  type SignRequestOptions,
  signRequest,
  type VerifyRequestOptions,
  verifyRequest,
} from 'svidkit/http-signature';
import { anyId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { parseWitSvid, type UnprovenWit, verifyWit, type WitSvid } from 'svidkit/wit';
import { signJws } from '../../src/internal/jws-algorithm.js';
import { rejectionOf } from './rejections.js';
import { bundles, clock, NOW, wit, workload } from './wit-domain.js';

export const AUDIENCE = 'https://tools.example.org/orders';
export const WIT: string = wit();
export const svid: WitSvid = parseWitSvid({ token: WIT, privateKey: workload });
export const TARGET = '/orders?item=book';

export function unproven(token: string = WIT): Promise<UnprovenWit> {
  return verifyWit(token, bundles, { clock });
}

export const BODY: Uint8Array = Buffer.from('{"item":"book"}');
const FIELDS = ['Host', 'tools.example.org', 'Content-Type', 'application/json'];

export function outgoing(changes: Partial<OutgoingRequest> = {}): OutgoingRequest {
  return { method: 'POST', target: TARGET, rawHeaders: FIELDS, body: BODY, ...changes };
}

/** A request as {@link signRequest} makes it, as it arrives, with what the client keeps. */
export async function sent(
  changes: Partial<OutgoingRequest> = {},
  options: Partial<SignRequestOptions> = {},
): Promise<{ readonly request: IncomingRequest; readonly signed: SignedRequest }> {
  const request = outgoing(changes);
  const signed = await signRequest(svid, request, { audience: AUDIENCE, clock, ...options });
  const body = request.body ?? null;
  return { request: { ...request, body, rawHeaders: [...request.rawHeaders, ...signed.fields.flat()] }, signed };
}

export interface Craft {
  readonly method?: string;
  readonly target?: string;
  readonly rawHeaders?: readonly string[];
  /** Identifiers as they stand in the signature base. */
  readonly covered?: readonly string[];
  /** Values that are not those of the message. */
  readonly values?: Readonly<Record<string, string>>;
  /** Parameters of the signature by name, as text; `undefined` leaves one out. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  /** What follows the inner list, instead of all that. */
  readonly tail?: string;
  readonly label?: string;
  readonly key?: typeof workload;
}

export const COVERED: readonly string[] = ['"@method"', '"@path"', '"@query"', '"workload-identity-token"'];
let crafted = 0;

/** A GET request that is signed by hand, from a signature base put together here: whatever it covers and says. */
export function craft(changes: Craft = {}): IncomingRequest {
  const { method = 'GET', target = TARGET, covered = COVERED, label = 'wimse', key = workload } = changes;
  const rawHeaders = changes.rawHeaders ?? ['Workload-Identity-Token', WIT];
  const good = { created: `${NOW}`, expires: `${NOW + 60}`, nonce: `"crafted-${++crafted}"` };
  const profile = { tag: '"wimse-workload-to-workload"', 'wimse-aud': `"${AUDIENCE}"` };
  const tail = Object.entries({ ...good, ...profile, ...changes.parameters })
    .flatMap(([name, text]) => (text === undefined ? [] : [text === '' ? `;${name}` : `;${name}=${text}`]))
    .join('');
  const params = `(${covered.join(' ')})${changes.tail ?? tail}`;
  const [path = '', ...query] = target.split('?');
  const known: Record<string, string> = {
    '"@method"': method,
    '"@request-target"': target,
    '"@path"': path,
    '"@query"': `?${query.join('?')}`,
    ...changes.values,
  };
  const fieldOf = (identifier: string): string =>
    rawHeaders
      .filter((_, index) => `"${rawHeaders[index - 1]?.toLowerCase()}"` === identifier && index % 2 === 1)
      .join(', ');
  const lines = covered.map((identifier) => `${identifier}: ${known[identifier] ?? fieldOf(identifier)}`);
  const base = [...lines, `"@signature-params": ${params}`].join('\n');
  const signature = Buffer.from(signJws('ES256', key, Buffer.from(base))).toString('base64');
  const fields = ['Signature-Input', `${label}=${params}`, 'Signature', `${label}=:${signature}:`];
  return { method, target, rawHeaders: [...rawHeaders, ...fields], body: null };
}

/** Options that admit everybody and remember nothing beyond the call. */
export function options(changes: Partial<VerifyRequestOptions> = {}): VerifyRequestOptions {
  return { audiences: AUDIENCE, authorize: anyId(), replay: createMemoryReplayStore({ clock }), clock, ...changes };
}

/** The code that verifying a request was refused with, or `accepted`. */
export async function outcome(
  request: IncomingRequest,
  changes: Partial<VerifyRequestOptions> = {},
  token: string = WIT,
): Promise<string> {
  return rejectionOf(verifyRequest(request, await unproven(token), options(changes)));
}

/** The message with other fields: those of the names are replaced, or left out for `undefined`. */
export function withFields<M extends { readonly rawHeaders: readonly string[] }>(
  message: M,
  fields: Readonly<Record<string, string | undefined>>,
): M {
  const names = new Set(Object.keys(fields).map((name) => name.toLowerCase()));
  const kept = message.rawHeaders.filter((_, index, all) => !names.has(all[index - (index % 2)]?.toLowerCase() ?? ''));
  const added = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  return { ...message, rawHeaders: [...kept, ...added] };
}

/** A body in pieces that remembers whether it was read to its end or given up. */
export function pieces(
  chunks: Iterable<Uint8Array | string>,
): AsyncIterable<Uint8Array> & { readonly state: () => string } {
  let state = 'unread';
  return {
    state: () => state,
    async *[Symbol.asyncIterator]() {
      state = 'given up';
      for (const chunk of chunks) yield Buffer.from(chunk);
      state = 'read';
    },
  };
}
