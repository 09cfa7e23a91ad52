import { Readable } from 'node:stream';
import type { MessageBody } from '../http-signature/index.js';

/** The body to verify: the one that is given, or the request itself where that is the stream of its body. */
export function requestBody(request: object, given: MessageBody | undefined): MessageBody {
  if (given !== undefined) return given;
  if (!isByteStream(request)) {
    throw new TypeError('the body of a request is verified with its signature: give it, or null for none, as body');
  }
  if ('readableDidRead' in request && request.readableDidRead === true) {
    throw new TypeError('the body of the request was read before: authenticate first, or give it as body');
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

function isByteStream(value: object): value is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in value;
}
