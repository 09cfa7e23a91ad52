import { separateFields } from './joined-fields.js';
import type { AuthenticatableRequest } from './request-authenticator.js';

/** A `Request` as the authenticator looks at it: with the stream of its body, which is read for a signature only. */
export interface ReadFetchRequest extends AuthenticatableRequest, AsyncIterable<Uint8Array> {
  /** Whether somebody has read the body before. */
  readonly readableDidRead: boolean;
}

/**
 * Makes a `Request` of the Fetch Standard authenticatable, for servers that give nothing else: Bun, Deno, workers.
 *
 * A `Request` joins repeated header fields with a comma, so that they cannot be counted. Here each value is taken apart
 * at its commas: no token that is looked at has one, and what may be two is refused as `duplicate_header`. A further
 * token (`otherTokens`) with a comma in its value is refused as well, therefore, and so is a signature that covers, besides
 * what its draft asks for, a field with a comma and no space behind it. What a platform drops before it makes the `Request`
 * stays unseen: on Node use the request of `node:http`, as {@link requireCallerHono} does by itself.
 *
 * Of the URL only path and query are used, as the platform has normalised them; its host comes from the client.
 */
export function readFetchRequest(request: Request): ReadFetchRequest {
  const { method, headers, url } = request;
  return {
    method,
    rawHeaders: separateFields(headers),
    url: url.replace(/^[^:]*:\/\/[^/?#]*/, ''),
    readableDidRead: request.bodyUsed,
    [Symbol.asyncIterator]: () => bodyOf(request),
  };
}

/** The request with the body that was verified, so that it can be read in the ways of the Fetch Standard. */
export function withVerifiedBody(request: Request, bytes: Uint8Array): Request {
  const { method, headers, url, signal } = request;
  // Nothing was read of these: the Fetch Standard knows no body of GET and HEAD.
  if (method === 'GET' || method === 'HEAD' || request.body === null) return request;
  return new Request(url, { method, headers, signal, body: new Uint8Array(bytes) });
}

async function* bodyOf({ body }: Request): AsyncGenerator<Uint8Array, void, undefined> {
  if (body !== null) yield* body;
}
