import { HttpSignatureError } from '../errors/index.js';
import { lowerCase } from '../internal/audience.js';
import { type Fields, readFields } from '../internal/fields.js';
import { quote } from '../internal/quote.js';

/** A request as it is sent or was received. `IncomingMessage` has the parts; nothing else of it is looked at. */
export interface HttpRequestMessage {
  readonly method: string;
  /** The request target as it stands in the request line, or `:path`: `IncomingMessage.url` before anything rewrote it. */
  readonly target: string;
  /** Header names and values in turn, as they came: Node's `headers` hides repeated fields. */
  readonly rawHeaders: readonly string[];
  /** For `@scheme`, `@target-uri` and default ports. A receiver knows it from its own listener. Default unknown. */
  readonly scheme?: 'http' | 'https' | undefined;
  /** For `@authority` and `@target-uri`. Default: that of an absolute-form target, else the Host field. */
  readonly authority?: string | undefined;
}

export interface HttpResponseMessage {
  readonly status: number;
  /** Header names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** The request it answers, for components with `;req`: one's own copy of it. */
  readonly request?: HttpRequestMessage | undefined;
}

export type HttpMessage = HttpRequestMessage | HttpResponseMessage;

/** Names and values that go into the header section of a message. */
export type HeaderFields = ReadonlyArray<readonly [name: string, value: string]>;

export interface ReadRequest extends HttpRequestMessage {
  readonly kind: 'request';
  readonly fields: Fields;
}

export interface ReadResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly fields: Fields;
  readonly request: ReadRequest | undefined;
}

export type ReadMessage = ReadRequest | ReadResponse;

export function readMessage(message: HttpMessage): ReadMessage {
  return 'status' in message ? readResponse(message) : readRequest(message);
}

export function readRequest(message: HttpRequestMessage): ReadRequest {
  const { method, target, rawHeaders, scheme, authority } = message;
  if (typeof method !== 'string' || method === '') throw new TypeError('a request has a method');
  if (typeof target !== 'string') throw new TypeError('a request has a target, as it stood in the request line');
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    throw new TypeError('the scheme of a request is http or https');
  }
  const fields = readFields(rawHeaders);
  return { kind: 'request', method, target, rawHeaders: [...rawHeaders], scheme, authority, fields };
}

export function readResponse({ status, rawHeaders, request }: HttpResponseMessage): ReadResponse {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new TypeError('a response has a status');
  const fields = readFields(rawHeaders);
  return { kind: 'response', status, fields, request: request === undefined ? undefined : readRequest(request) };
}

/** The one value of a field; `undefined` when it is not there. */
export function single(fields: Fields, name: string): string | undefined {
  const values = fields.get(name) ?? [];
  if (values.length > 1) {
    throw new HttpSignatureError('duplicate_header', `the header field ${name} is there more than once`);
  }
  return values[0];
}

/** RFC 9110 section 3.2. */
export interface TargetParts {
  /** `undefined` in origin form. */
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string;
  /** Without the question mark; `undefined` when there is none. */
  readonly query: string | undefined;
}

const VISIBLE = /^[\x21-\x7e]+$/;
const ORIGIN_FORM = /^(\/[^?#]*)(?:\?([^#]*))?$/;
/** Where one part ends the next one begins, so that there is one way to read a target however long it is. */
const ABSOLUTE_FORM = /^(https?):\/\/([^/?#@]+)((?:\/[^?#]*)?)(?:\?([^#]*))?$/i;

/** The parts of a target in origin or absolute form. Nothing is decoded and no dot segment removed. */
export function splitTarget(target: string): TargetParts {
  checkTarget(target);
  const [, originPath, originQuery] = ORIGIN_FORM.exec(target) ?? [];
  if (originPath !== undefined) {
    return { scheme: undefined, authority: undefined, path: originPath, query: originQuery };
  }
  const [, scheme, authority, path, query] = ABSOLUTE_FORM.exec(target) ?? [];
  if (scheme === undefined || authority === undefined) {
    throw new HttpSignatureError('missing_component', `the request target ${quote(target)} has no path`);
  }
  return { scheme: lowerCase(scheme), authority, path: path || '/', query };
}

export function checkTarget(target: string): void {
  if (!VISIBLE.test(target)) {
    throw new HttpSignatureError('bad_component_value', 'the request target holds more than visible ASCII characters');
  }
}
