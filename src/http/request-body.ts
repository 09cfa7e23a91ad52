import { Readable } from 'node:stream';
import type { MessageBody } from '../http-signature/index.js';

/** The body to verify: the one that is given, or the request itself where that is the stream of its body. */
export function requestBody(request: object, given: MessageBody | undefined): MessageBody {
  if (given !== undefined) return given;
  if (!isByteStream(request)) {
    throw new TypeError('the body of a request is verified with its signature: give it, or null for none, as body');
  }
  if (isBeingRead(request)) {
    const message = 'the body of a signed request was read before it was verified';
    throw new TypeError(`${message}: mount authentication before every body parser, or give the bytes as body`);
  }
  return request;
}

/**
 * A body that throws what `refuse` makes as soon as it is longer than allowed. A stream of Node is not destroyed with
 * it, because that would take the connection away from the answer; what is left of it is thrown away.
 */
export function boundedBody(body: MessageBody, maxBytes: number, refuse: () => Error): MessageBody {
  return body === null || body instanceof Uint8Array ? body : bounded(body, maxBytes, refuse);
}

async function* bounded(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  refuse: () => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = body instanceof Readable ? body : undefined;
  let size = 0;
  try {
    for await (const chunk of stream?.iterator({ destroyOnReturn: false }) ?? body) {
      size += chunk.length;
      if (!(size <= maxBytes)) throw refuse();
      yield chunk;
    }
  } finally {
    stream?.resume();
  }
}

/** As a stream of Node tells it, or what is made of a `Request`. */
function isBeingRead(stream: object): boolean {
  if ('readableDidRead' in stream && stream.readableDidRead === true) return true;
  return 'readableFlowing' in stream && stream.readableFlowing === true;
}

function isByteStream(value: object): value is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in value;
}
