import { HttpSignatureError } from '../errors/index.js';
import type { Fields } from '../internal/fields.js';
import { announcesBody } from './body-rules.js';
import { ContentDigest, createContentDigest, type DigestAlgorithm } from './content-digest.js';
import { type HeaderFields, single } from './message.js';

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
  // What is not sent has the digest of nothing, whatever the body would have been (RFC 9530 appendix B.2).
  const content = isBodyless ? null : body;
  if (given !== undefined) {
    const digest = new ContentDigest(given);
    if (content !== undefined) digest.update(content ?? new Uint8Array()).verify();
    return [];
  }
  if (content === undefined) {
    const message = 'without the body or its Content-Digest the message cannot be signed';
    throw new HttpSignatureError('missing_content_digest', message);
  }
  if (content === null && !isBodyless && announcesBody(fields)) {
    throw new HttpSignatureError('body_not_given', 'the message announces a body, and none was given to be signed');
  }
  return content === null || content.length === 0
    ? []
    : [['Content-Digest', createContentDigest(content, [algorithm])]];
}
