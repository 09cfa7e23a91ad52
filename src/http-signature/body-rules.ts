import { HttpSignatureError } from '../errors/index.js';
import type { Fields } from '../internal/fields.js';
import { ContentDigest, type MessageBody, receiveBody, type VerifyContentDigestOptions } from './content-digest.js';
import { type ReadResponse, single } from './message.js';
import type { VerifiedBody } from './verified-body.js';

/** The body is a part of every message that is verified: `null` has to be written down, and is held to the fields. */
export function checkBodyGiven(fields: Fields, body: MessageBody, isBodyless: boolean): void {
  if (body === null) {
    if (isBodyless || !announcesBody(fields)) return;
    throw new HttpSignatureError('body_not_given', 'the message announces a body, and none was given to be verified');
  }
  if (body instanceof Uint8Array || isAsyncIterable(body)) return;
  throw new TypeError('the body of a message is given as bytes, as an async iterable of bytes, or as null for none');
}

/** Verifies the body with the Content-Digest of the message, which the signature covers. */
export async function verifyBody(
  fields: Fields,
  body: MessageBody,
  options: VerifyContentDigestOptions,
): Promise<VerifiedBody> {
  const field = single(fields, 'content-digest');
  return receiveBody(field === undefined ? undefined : new ContentDigest(field), body, options);
}

/** Responses that announce a length and carry nothing (RFC 9110 section 6.4.1). */
export function isBodylessResponse({ status, request }: ReadResponse): boolean {
  return request?.method === 'HEAD' || status === 204 || status === 304;
}

export function announcesBody(fields: Fields): boolean {
  if (fields.has('transfer-encoding')) return true;
  return (fields.get('content-length') ?? []).some((length) => !/^0+$/.test(length));
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
