import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import type { NodeResponse } from './node-exchange.js';
import { refusalOf } from './refusal.js';
import { type AnswerSigning, isWithoutContent, signAnswer, tooLongToSign } from './signed-answer.js';

/** An answer that is signed is sent whole, so that these do not apply. */
const OF_STREAMS = ['transfer-encoding', 'trailer'] as const;

/**
 * Holds back what is written to a response until it ends, then signs and sends it
 * (draft-ietf-wimse-http-signature, "Signing the Response"). An answer that is too long, or cannot be signed, is thrown
 * away for a 500: an unsigned success never goes out. Works on the response itself, because frameworks keep hold of it.
 */
export function holdForSigning(response: NodeResponse, signing: AnswerSigning): void {
  const answer = new HeldAnswer(response, signing);
  Object.defineProperties(response, {
    writeHead: own((...given: WriteHeadArguments) => answer.writeHead(given)),
    flushHeaders: own(() => answer.begin()),
    write: own((...given: WriteArguments) => answer.write(given)),
    end: own((...given: WriteArguments) => answer.end(given)),
    addTrailers: own(() => undefined),
    setTrailer: own(() => undefined),
    headersSent: { configurable: true, get: () => answer.begun },
    writableEnded: { configurable: true, get: () => answer.ended },
  });
}

type HeadFields = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | undefined;
type WriteHeadArguments = readonly [status: number, message?: string | HeadFields, fields?: HeadFields];
type WriteArguments = readonly unknown[];
type Method = (...given: never[]) => unknown;

function own(value: unknown): PropertyDescriptor {
  return { configurable: true, writable: true, value };
}

class HeldAnswer {
  readonly #response: NodeResponse;
  readonly #signing: AnswerSigning;
  readonly #methods: { readonly writeHead: Method; readonly write: Method; readonly end: Method };
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #begun = false;
  #ended = false;
  /** While what was held is sent: Node's own methods call each other by their names. */
  #sending = false;

  constructor(response: NodeResponse, signing: AnswerSigning) {
    this.#response = response;
    this.#signing = signing;
    const { writeHead, write, end } = response;
    this.#methods = { writeHead, write, end };
  }

  get begun(): boolean {
    return this.#begun;
  }

  get ended(): boolean {
    return this.#ended;
  }

  writeHead(given: WriteHeadArguments): unknown {
    const response = this.#response;
    if (this.#sending) return Reflect.apply(this.#methods.writeHead, response, given);
    const [status, second, third] = given;
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

  write(given: WriteArguments): unknown {
    if (this.#sending) return Reflect.apply(this.#methods.write, this.#response, given);
    const [chunk, encoding] = given;
    if (!this.#ended) {
      this.begin();
      this.#hold(toBytes(chunk, encoding));
    }
    const callback = callbackIn(given);
    if (callback !== undefined) process.nextTick(callback);
    return true;
  }

  end(given: WriteArguments): NodeResponse {
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
    const { maxBytes } = this.#signing;
    if (this.#size > maxBytes) this.#fail(tooLongToSign(maxBytes));
  }

  async #signAndSend(): Promise<void> {
    const response = this.#response;
    const { statusCode: status } = response;
    const body = isWithoutContent(response.req.method, status) ? null : Buffer.concat(this.#chunks);
    for (const name of OF_STREAMS) response.removeHeader(name);
    if (body !== null) response.setHeader('Content-Length', body.length);
    const fields = response.getHeaders();
    try {
      const added = await signAnswer({ status, rawHeaders: rawHeadersOf(fields), body }, this.#signing);
      // What was signed, whatever was set meanwhile.
      replaceFields(response, fields);
      for (const [name, value] of added) response.appendHeader(name, value);
      this.#send(status, body);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#ended = true;
    this.#chunks.length = 0;
    this.#signing.onFailed(error);
    const { status, headers, body } = refusalOf(error);
    // HTTP/2 has no message, and Node warns of whoever so much as looks at it.
    if (!('stream' in this.#response)) this.#response.statusMessage = '';
    replaceFields(this.#response, headers);
    this.#send(status, body === undefined ? null : Buffer.from(body));
  }

  #send(status: number, body: Uint8Array | null): void {
    const { writeHead, end } = this.#methods;
    this.#sending = true;
    try {
      Reflect.apply(writeHead, this.#response, [status]);
      Reflect.apply(end, this.#response, [body ?? undefined, 'utf8']);
    } finally {
      this.#sending = false;
    }
  }
}

/** What `writeHead` is given: by name, or names and values in turn, or in pairs. */
function setFields(response: NodeResponse, fields: HeadFields): void {
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

function replaceFields(response: NodeResponse, fields: OutgoingHttpHeaders): void {
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
