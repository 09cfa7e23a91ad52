import { HttpSignatureError } from '../errors/index.js';
import { announcesBody } from './body-rules.js';
import { ContentDigest, createContentDigest, type DigestAlgorithm } from './content-digest.js';
import { type Fields, type HeaderFields, single } from './message.js';

/** What is said about the body of a message that is to be signed. */
export interface OutgoingBody {
  /**
   * The body as it will be sent, `null` for none. It may be left out when `rawHeaders` has a `Content-Digest` for it, as
   * for a file that is not read into memory.
   */
  readonly body?: Uint8Array | null | undefined;
}

/** The Content-Digest to add to a message; nothing when it has one, which then must be right, or has no body. */
export function digestFields(
  fields: Fields,
  { body }: OutgoingBody,
  algorithm: DigestAlgorithm,
  isBodyless: boolean,
): HeaderFields {
  if (body !== undefined && body !== null && !(body instanceof Uint8Array)) {
    throw new TypeError('the body of a message to sign is given as bytes, or as null for none');
  }
  const given = single(fields, 'content-digest');
  if (given !== undefined) {
    const digest = new ContentDigest(given);
    if (body !== undefined) digest.update(body ?? new Uint8Array()).verify();
    return [];
  }
  if (body === undefined) {
    const message = 'without the body or its Content-Digest the message cannot be signed';
    throw new HttpSignatureError('missing_content_digest', message);
  }
  if (body === null && !isBodyless && announcesBody(fields)) {
    throw new HttpSignatureError('body_not_given', 'the message announces a body, and none was given to be signed');
  }
  return body === null || body.length === 0 ? [] : [['Content-Digest', createContentDigest(body, [algorithm])]];
}
