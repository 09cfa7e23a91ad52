import { createHash, type Hash } from 'node:crypto';
import { HttpSignatureError, type HttpSignatureErrorCode } from '../errors/index.js';
import { abortable } from '../internal/abort.js';
import { quote } from '../internal/quote.js';
import { serializeDictionary } from './serialize-fields.js';
import { readDictionary } from './structured-fields.js';
import { type VerifiedBody, VerifiedContent, VerifyingContent } from './verified-body.js';

/** The active algorithms of RFC 9530 section 5. */
export type DigestAlgorithm = 'sha-256' | 'sha-512';

/** The content of a message: all of it, what it arrives in, or `null` for a message without one. */
export type MessageBody = Uint8Array | AsyncIterable<Uint8Array> | null;

export interface VerifyContentDigestOptions {
  /**
   * How much of a body in pieces is held back until its digest has been verified, in bytes. A longer one is handed on
   * in pieces before that, and ends in an error when the digest differs. Default 1 MiB.
   */
  readonly maxBufferedBytes?: number | undefined;
  /** Stops waiting for the body; verification then ends with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const HASHES: ReadonlyMap<string, string> = new Map<DigestAlgorithm, string>([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);
/** Deprecated by RFC 9530 section 5: they do not withstand an attacker. */
const WEAK: ReadonlySet<string> = new Set(['md5', 'sha', 'unixsum', 'unixcksum', 'adler', 'crc32c']);
const MEBIBYTE = 1_048_576;

/** The value of a `Content-Digest` field (RFC 9530 section 2) for the bytes as they are sent, after any coding. */
export function createContentDigest(content: Uint8Array, algorithms: readonly DigestAlgorithm[] = ['sha-256']): string {
  if (!(content instanceof Uint8Array)) throw new TypeError('the content must be bytes');
  if (algorithms.length === 0) throw new TypeError('a digest needs an algorithm');
  const members = algorithms.map((name) => {
    const hash = HASHES.get(name);
    if (hash === undefined) throw new TypeError('the algorithm of a digest must be sha-256 or sha-512');
    const value = new Uint8Array(createHash(hash).update(content).digest());
    return [name, { kind: 'item', value: { type: 'bytes', value }, parameters: new Map() }] as const;
  });
  return serializeDictionary(members);
}

/**
 * Verifies a body against the value of its `Content-Digest` field: every algorithm that is known, over the bytes as they
 * came, before any content coding is undone (RFC 9530 section 2). A body in pieces is read to its end, or to the bound:
 * see {@link VerifiedBody}.
 *
 * @throws `HttpSignatureError` `digest_mismatch`; `unsupported_digest` when no algorithm is known, `weak_digest`
 * when one is deprecated; `bad_structured_field` or `duplicate_member` when the field is malformed. What the body
 * throws comes through as it is.
 */
export async function verifyContentDigest(
  field: string,
  body: MessageBody,
  options: VerifyContentDigestOptions = {},
): Promise<VerifiedBody> {
  if (typeof field !== 'string') throw new TypeError('the value of Content-Digest must be a string');
  return receiveBody(new ContentDigest(field), body, options);
}

/**
 * Takes a body in and verifies it; without a digest only an empty one is let through, because nothing else binds a body
 * to the signature (draft-ietf-wimse-http-signature, "The Protocol").
 */
export async function receiveBody(
  digest: ContentDigest | undefined,
  body: MessageBody,
  { maxBufferedBytes = MEBIBYTE, signal }: VerifyContentDigestOptions,
): Promise<VerifiedBody> {
  if (!(maxBufferedBytes >= 0)) throw new TypeError('maxBufferedBytes must be a number of bytes');
  if (body === null || body instanceof Uint8Array) {
    const bytes = body ?? new Uint8Array();
    if (digest === undefined) checkEmpty(bytes);
    else digest.update(bytes).verify();
    return new VerifiedContent(bytes);
  }
  const source = body[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  try {
    for (let size = 0; size <= maxBufferedBytes; ) {
      const next = await abortable(source.next(), signal);
      if (next.done === true) {
        digest?.verify();
        return new VerifiedContent(joined(held));
      }
      const chunk = checkChunk(next.value);
      if (digest === undefined) checkEmpty(chunk);
      digest?.update(chunk);
      if (chunk.length > 0) held.push(chunk);
      size += chunk.length;
    }
  } catch (error) {
    const ended = endQuietly(source);
    // A source that does not go on giving may never end either, and nobody waits for it any more.
    if (signal?.aborted !== true) await ended;
    throw error;
  }
  return new VerifyingContent({
    source,
    held,
    signal,
    update: (chunk) => digest?.update(checkChunk(chunk)),
    verify: () => digest?.verify(),
  });
}

/** The digests of a `Content-Digest` field, filled with the content as it comes. */
export class ContentDigest {
  readonly #expected: readonly { readonly hash: Hash; readonly digest: Uint8Array }[];

  constructor(field: string) {
    const members = readDictionary(field);
    for (const name of members.keys()) {
      if (WEAK.has(name)) refuse('weak_digest', `Content-Digest has ${quote(name)}, which is deprecated`);
    }
    this.#expected = Array.from(members).flatMap(([name, { value }]) => {
      const hash = HASHES.get(name);
      if (hash === undefined) return [];
      if (value.kind !== 'item' || value.value.type !== 'bytes') {
        refuse('bad_structured_field', 'a member of Content-Digest is not a byte sequence');
      }
      return [{ hash: createHash(hash), digest: value.value.value }];
    });
    if (this.#expected.length === 0) refuse('unsupported_digest', 'Content-Digest has neither sha-256 nor sha-512');
  }

  update(chunk: Uint8Array): this {
    for (const { hash } of this.#expected) hash.update(chunk);
    return this;
  }

  /** Once, at the end of the content. */
  verify(): void {
    for (const { hash, digest } of this.#expected) {
      if (!hash.digest().equals(digest)) refuse('digest_mismatch', 'the body is not the one of its Content-Digest');
    }
  }
}

function checkEmpty(chunk: Uint8Array): void {
  if (chunk.length > 0) refuse('missing_content_digest', 'there is a body, and no Content-Digest that binds it');
}

function checkChunk(chunk: Uint8Array): Uint8Array {
  if (!(chunk instanceof Uint8Array)) throw new TypeError('the body must give bytes; do not set an encoding');
  return chunk;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(chunks));
}

/** The source is told that nothing more is wanted; the reason for that is what the caller should hear. */
async function endQuietly(source: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await source.return?.();
  } catch {}
}

function refuse(code: HttpSignatureErrorCode, message: string): never {
  throw new HttpSignatureError(code, message);
}
