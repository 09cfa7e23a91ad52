import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { RequestAuthenticationError } from '../errors/index.js';
import { signResponse } from '../http-signature/index.js';
import type { Clock } from '../internal/clock.js';
import type { WitSvidSource } from '../wit/index.js';
import { refusalOf } from './refusal.js';
import type { SignatureCaller } from './request-authenticator.js';

export interface SignedAnswerOptions {
  readonly caller: SignatureCaller;
  readonly sign: WitSvidSource;
  readonly maxBytes: number;
  readonly clock: Clock | undefined;
  /** Told why 500 goes out in the place of what the handler answered. */
  readonly onFailed: (error: unknown) => void;
}

/** What decides how an answer is understood, and where it sends the client, is signed with it. */
const FURTHER_FIELDS = ['content-encoding', 'location'] as const;
/** An answer that is signed is sent whole, so that these do not apply. */
const OF_STREAMS = ['transfer-encoding', 'trailer'] as const;

/**
 * Holds back what is written to a response until it ends, then signs and sends it
 * (draft-ietf-wimse-http-signature, "Signing the Response"). An answer that is too long, or cannot be signed, is thrown
 * away for a 500: an unsigned success never goes out. Works on the response itself, because frameworks keep hold of it.
 */
export function holdForSigning(response: ServerResponse, options: SignedAnswerOptions): void {
  const answer = new HeldAnswer(response, options);
  Object.defineProperties(response, {
    writeHead: own((...given: WriteHeadArguments) => answer.writeHead(...given)),
    flushHeaders: own(() => answer.begin()),
    write: own((...given: WriteArguments) => answer.write(given)),
    end: own((...given: WriteArguments) => answer.end(given)),
    headersSent: { configurable: true, get: () => answer.begun },
    writableEnded: { configurable: true, get: () => answer.ended },
  });
}

type HeadFields = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | undefined;
type WriteHeadArguments = readonly [status: number, message?: string | HeadFields, fields?: HeadFields];
type WriteArguments = readonly unknown[];

function own(value: unknown): PropertyDescriptor {
  return { configurable: true, writable: true, value };
}

class HeldAnswer {
  readonly #response: ServerResponse;
  readonly #options: SignedAnswerOptions;
  readonly #send: (status: number, body: Uint8Array | undefined) => void;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #begun = false;
  #ended = false;

  constructor(response: ServerResponse, options: SignedAnswerOptions) {
    this.#response = response;
    this.#options = options;
    const { writeHead, end } = response;
    this.#send = (status, body) => {
      writeHead.call(response, status);
      end.call(response, body, 'utf8');
    };
  }

  get begun(): boolean {
    return this.#begun;
  }

  get ended(): boolean {
    return this.#ended;
  }

  writeHead(...[status, second, third]: WriteHeadArguments): ServerResponse {
    const response = this.#response;
    if (this.#ended) return response;
    this.#begun = true;
    response.statusCode = status;
    if (typeof second === 'string') response.statusMessage = second;
    setFields(response, typeof second === 'object' ? second : third);
    return response;
  }

  /** As Node does it, so that whoever wrapped `writeHead` hears of a head that nobody has written. */
  begin(): void {
    if (!this.#begun) this.#response.writeHead(this.#response.statusCode);
  }

  write(given: WriteArguments): boolean {
    const [chunk, encoding] = given;
    if (!this.#ended) {
      this.begin();
      this.#hold(toBytes(chunk, encoding));
    }
    const callback = callbackIn(given);
    if (callback !== undefined) process.nextTick(callback);
    return true;
  }

  end(given: WriteArguments): ServerResponse {
    const [chunk, encoding] = given;
    const callback = callbackIn(given);
    if (callback !== undefined) this.#response.once('finish', callback);
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.write([chunk, encoding]);
    if (this.#ended) return this.#response;
    this.begin();
    this.#ended = true;
    void this.#signAndSend();
    return this.#response;
  }

  #hold(bytes: Uint8Array): void {
    this.#size += bytes.length;
    this.#chunks.push(bytes);
    const { maxBytes } = this.#options;
    if (this.#size > maxBytes) this.#fail(unsignable(`the answer has more than ${maxBytes} bytes`));
  }

  async #signAndSend(): Promise<void> {
    const response = this.#response;
    const { caller, sign, clock } = this.#options;
    const { statusCode: status } = response;
    const body = isBodyless(response) ? null : Buffer.concat(this.#chunks);
    for (const name of OF_STREAMS) response.removeHeader(name);
    if (body !== null) response.setHeader('Content-Length', body.length);
    const fields = response.getHeaders();
    try {
      const components = FURTHER_FIELDS.filter((name) => fields[name] !== undefined);
      const answer = { status, rawHeaders: rawHeadersOf(fields), body };
      const added = await signResponse(sign.getWitSvid(), answer, { request: caller, components, clock });
      // What was signed, whatever was set meanwhile.
      replaceFields(response, fields);
      for (const [name, value] of added) response.appendHeader(name, value);
      this.#send(status, body ?? undefined);
    } catch (error) {
      this.#fail(unsignable('the answer cannot be signed', error));
    }
  }

  #fail(error: RequestAuthenticationError): void {
    this.#ended = true;
    this.#chunks.length = 0;
    this.#options.onFailed(error);
    const { status, headers, body } = refusalOf(error);
    this.#response.statusMessage = '';
    replaceFields(this.#response, headers);
    this.#send(status, body === undefined ? undefined : Buffer.from(body));
  }
}

function unsignable(message: string, cause?: unknown): RequestAuthenticationError {
  return new RequestAuthenticationError('cannot_sign_response', message, { cause, status: 500 });
}

/** Without content, whatever was written (RFC 9110 section 6.4.1). */
function isBodyless({ req, statusCode }: ServerResponse): boolean {
  return req.method === 'HEAD' || statusCode === 204 || statusCode === 304;
}

/** What `writeHead` is given: by name, or names and values in turn, or in pairs. */
function setFields(response: ServerResponse, fields: HeadFields): void {
  if (fields === undefined) return;
  if (!isList(fields)) {
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) response.setHeader(name, value);
    return;
  }
  const flat = fields.flat();
  const pairs = flat
    .filter((_, index) => index % 2 === 0)
    .map((name, index) => [`${name}`, flat[index * 2 + 1]] as const);
  for (const [name] of pairs) response.removeHeader(name);
  for (const [name, value] of pairs) if (value !== undefined) response.appendHeader(name, `${value}`);
}

function isList(fields: NonNullable<HeadFields>): fields is readonly OutgoingHttpHeader[] {
  return Array.isArray(fields);
}

function replaceFields(response: ServerResponse, fields: OutgoingHttpHeaders): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) response.setHeader(name, value);
}

function rawHeadersOf(fields: OutgoingHttpHeaders): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => (one === undefined ? [] : [name, `${one}`])),
  );
}

function toBytes(chunk: unknown, encoding: unknown): Uint8Array {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
  }
  if (chunk instanceof Uint8Array) return Uint8Array.from(chunk);
  throw new TypeError('a response is written in strings and bytes');
}

function callbackIn(given: WriteArguments): (() => void) | undefined {
  const callback = given.at(-1);
  return typeof callback === 'function' ? () => void callback() : undefined;
}
