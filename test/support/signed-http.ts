import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestAuthenticationError } from 'svidkit/errors';
import {
  createRequestAuthenticator,
  type ProofMechanism,
  type RequestAuthenticatorOptions,
  type RequireCallerOptions,
  requireCaller,
  type SignatureCaller,
  type WptCaller,
} from 'svidkit/http';
import { signRequest } from 'svidkit/http-signature';
import { anyId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { parseWitSvid, type WitSvid } from 'svidkit/wit';
import { svid } from './http-signatures.js';
import { keyPair } from './key-pairs.js';
import { type RawAnswer, sendRaw, serveHttp } from './raw-http.js';
import { bundles, clock, confirmation, wit } from './wit-domain.js';

export const ORIGIN = 'https://tools.example.org';
export const SERVER = 'spiffe://example.org/services/orders';

/** A WIT-SVID of example.org with a key of its own. */
export function witSvidOf(id: string): WitSvid {
  const { privateKey } = keyPair('P-256', id);
  return parseWitSvid({ token: wit({ claims: { sub: id, cnf: confirmation(privateKey, 'ES256') } }), privateKey });
}

type SignedHandler = (request: IncomingMessage, response: ServerResponse, caller: AnyCaller) => unknown;
type AnyCaller = WptCaller | SignatureCaller;

export interface SignedServer {
  readonly port: number;
  /** Whom the handler was called for. */
  readonly callers: AnyCaller[];
  readonly refusals: RequestAuthenticationError[];
  /** The code of the last refusal; `undefined` for none. */
  readonly refusal: () => string | undefined;
}

export interface ServeOptions extends Partial<RequestAuthenticatorOptions<ProofMechanism>> {
  readonly signing?: RequireCallerOptions;
  readonly handler?: SignedHandler;
}

/** A server that accepts signed requests and answers with their verified body, until the test is over. */
export async function serveSigned(options: ServeOptions = {}): Promise<SignedServer> {
  const callers: AnyCaller[] = [];
  const refusals: RequestAuthenticationError[] = [];
  const { signing, handler = echo, ...choices } = options;
  const authenticate = createRequestAuthenticator<ProofMechanism>({
    ...{ bundles, audiences: ORIGIN, authorize: anyId(), clock, mechanisms: ['http-signature'] },
    replay: createMemoryReplayStore({ clock }),
    ...choices,
  });
  const listener = requireCaller(
    authenticate,
    (request, response, caller) => {
      callers.push(caller);
      return handler(request, response, caller);
    },
    {
      clock,
      ...signing,
      onRefused: (error) => {
        if (!(error instanceof RequestAuthenticationError)) throw error;
        refusals.push(error);
      },
    },
  );
  const port = await serveHttp(listener);
  return { port, callers, refusals, refusal: () => refusals.at(-1)?.code };
}

/** A server that accepts signed requests and leaves it to a test how the answer is signed, if at all. Gives its port. */
export function serveByHand(answer: (response: ServerResponse, caller: SignatureCaller) => unknown): Promise<number> {
  const authenticate = createRequestAuthenticator({
    ...{ bundles, audiences: ORIGIN, authorize: anyId(), clock },
    ...{ mechanisms: ['http-signature'] as const, replay: createMemoryReplayStore({ clock }) },
  });
  return serveHttp(async (request, response) => {
    await answer(response, await authenticate(request, { signsResponses: true }));
  });
}

function echo(_: IncomingMessage, response: ServerResponse, { body }: AnyCaller): void {
  response.end(body?.bytes);
}

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** Whole lines. */
  readonly fields: readonly string[];
  readonly body: string;
}

export interface SigningChoices extends Partial<RawRequest> {
  readonly audience?: string;
  readonly signResponse?: boolean;
}

/** A request with a good signature, in the lines that go over the wire. */
export async function signedLines(choices: SigningChoices = {}): Promise<RawRequest> {
  const { method = 'POST', target = '/orders?item=book', body = '', signResponse = false } = choices;
  const { audience = `${ORIGIN}/orders` } = choices;
  const fields = choices.fields ?? ['Host: tools.example.org'];
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const rawHeaders = fields.flatMap((line) => line.split(/: (.*)/s).slice(0, 2));
  const bytes = body === '' ? null : Buffer.from(body);
  const request = { method, target, rawHeaders, body: bytes };
  const signed = await signRequest(svid, request, { audience, signResponse, clock });
  const added = signed.fields.map(([name, value]) => `${name}: ${value}`);
  return { method, target, fields: [...fields, ...length, ...added], body };
}

export function send(port: number, request: RawRequest): Promise<RawAnswer> {
  const line = `${request.method} ${request.target} HTTP/1.1`;
  return sendRaw(port, line, request.fields, request.body);
}

/** The same request with other lines: each field that begins with a name is replaced; `undefined` leaves it out. */
export function changed(request: RawRequest, fields: Readonly<Record<string, string | undefined>>): RawRequest {
  const kept = request.fields.filter((line) => !has(fields, line));
  const added = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return { ...request, fields: [...kept, ...added] };
}

function has(fields: object, line: string): boolean {
  const name = line.split(':')[0]?.toLowerCase();
  return Object.keys(fields).some((key) => key.toLowerCase() === name);
}

/** The value of a field of the request. */
export function fieldIn(request: RawRequest, name: string): string {
  const line = request.fields.find((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}: `));
  return line?.slice(name.length + 2) ?? '';
}
