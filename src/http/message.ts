import { createHash } from 'node:crypto';
import { RequestAuthenticationError } from '../errors/index.js';
import type { WitCredential, WitSvid } from '../wit/index.js';
import { type MintWptOptions, proveRequest } from '../wpt/index.js';
import type { AuthenticateOptions, Caller, RequestAuthenticator } from './request-authenticator.js';

/** The headers of a message as clients of Kafka, AMQP and NATS have them: values as text or bytes, one or several. */
export type MessageHeaders = Readonly<
  Record<string, string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined>
>;

/** What a message carries: text counts as its UTF-8 bytes. */
export type MessageContent = string | Uint8Array;

export interface ProveMessageOptions extends MintWptOptions {
  /** The content of the message, which the proof then covers. Default: it covers the headers alone. */
  readonly content?: MessageContent | undefined;
}

export interface AuthenticateMessageOptions extends AuthenticateOptions {
  /** The content that was received. Given, the proof must cover it; not given, anybody on the way may have changed it. */
  readonly content?: MessageContent | undefined;
}

const CONTENT_DIGEST = 'Content-Digest';

/**
 * The headers that prove to the consumer of a message which workload sent it: a WIT and a fresh proof, under the names
 * that they have in HTTP. A proof token, because a message has neither method nor target for a signature of the HTTP
 * profile to cover. With `content` there is also a `Content-Digest` (RFC 9530), which the proof covers as one of
 * its `otherTokens`: a convention of svidkit, because no draft speaks of messages.
 *
 * Tokens of others that the message brings along are named in `txnToken`, `accessToken` and `otherTokens`, for the proof to
 * cover, and put among the headers by the sender.
 *
 * A proof lives five minutes at most, and is accepted once: a message that waits longer, or is delivered again, is
 * refused. The audience is a name for the queue that both sides have configured.
 *
 * ```ts
 * const headers = await proveMessage(wit.getWitSvid(), { audience: 'urn:queue:orders', content, lifetimeSeconds: 300 });
 * await producer.send({ topic: 'orders', messages: [{ value: content, headers }] });
 * ```
 *
 * @throws what `mintWpt` throws.
 */
export async function proveMessage(
  svid: WitSvid | WitCredential,
  { content, ...options }: ProveMessageOptions,
): Promise<Record<string, string>> {
  if (content === undefined) return Object.fromEntries(await proveRequest(svid, options));
  const digest = { [CONTENT_DIGEST]: digestOf(content) };
  const otherTokens = { ...options.otherTokens, ...digest };
  return { ...Object.fromEntries(await proveRequest(svid, { ...options, otherTokens })), ...digest };
}

/**
 * Tells which workload sent a message, by its headers. The authenticator's `audiences` name the queue; for `content` its
 * `otherTokens` must name `Content-Digest`.
 *
 * ```ts
 * const sender = await authenticateMessage(authenticate, message.headers, { content: message.value });
 * ```
 *
 * Rejects as the authenticator does, and with `content_mismatch` when the content is not the one that was proven.
 */
export async function authenticateMessage(
  authenticate: RequestAuthenticator,
  headers: MessageHeaders,
  { content, ...options }: AuthenticateMessageOptions = {},
): Promise<Caller> {
  const rawHeaders = rawHeadersOf(headers);
  if (content !== undefined && !holds(rawHeaders, digestOf(content))) throw mismatch();
  const caller = await authenticate({ rawHeaders }, options);
  if (content !== undefined && !caller.covered.otherTokens.includes(CONTENT_DIGEST.toLowerCase())) throw mismatch();
  return caller;
}

function digestOf(content: MessageContent): string {
  return `sha-256=:${createHash('sha256').update(content).digest('base64')}:`;
}

function rawHeadersOf(headers: MessageHeaders): string[] {
  return Object.entries(headers).flatMap(([name, values]) => {
    const list = typeof values === 'string' || values instanceof Uint8Array ? [values] : (values ?? []);
    return list.flatMap((value) => [name, typeof value === 'string' ? value : Buffer.from(value).toString('latin1')]);
  });
}

/** Whether each digest in the headers, and there is one, is the expected; that there is only one is asked later. */
function holds(rawHeaders: readonly string[], digest: string): boolean {
  const digests = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === CONTENT_DIGEST.toLowerCase(),
  );
  return digests.length > 0 && digests.every((value) => value === digest);
}

function mismatch(): RequestAuthenticationError {
  const message = 'the content of the message is not covered by its proof';
  return new RequestAuthenticationError('content_mismatch', message, { status: 400 });
}
