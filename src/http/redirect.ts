import { ProvingFetchError } from '../errors/index.js';
import { quote } from '../internal/quote.js';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** The request-body-header names of the Fetch Standard, and the digest of the body. */
const BODY_FIELDS = [
  ...['Content-Encoding', 'Content-Language', 'Content-Location', 'Content-Type', 'Content-Length'],
  'Content-Digest',
];

export type Body = NonNullable<RequestInit['body']>;

/** What a hop of a request is made of, before the proof. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Body | null;
}

/**
 * Where a response sends the request on to, as the HTTP-redirect fetch of the Fetch Standard has it; `undefined` when
 * nowhere. Another origin is refused: a proof is made for one audience, and with what the caller's headers hold nobody
 * else is to be entrusted.
 *
 * @throws `ProvingFetchError` `cross_origin_redirect`, `bad_redirect`, `body_not_replayable`.
 */
export function nextHop(response: Response, hop: Hop): Hop | undefined {
  if (response.type === 'opaqueredirect') throw new ProvingFetchError('bad_redirect', 'the redirect cannot be read');
  const location = response.headers.get('Location');
  if (!REDIRECTS.has(response.status) || location === null) return undefined;
  const url = targetOf(location, hop.url);
  if (changesToGet(response.status, hop.method)) {
    const headers = new Headers(hop.headers);
    for (const name of BODY_FIELDS) headers.delete(name);
    return { url, method: 'GET', headers, body: null };
  }
  if (response.status !== 303 && !isReplayable(hop.body)) {
    throw new ProvingFetchError('body_not_replayable', 'the redirect asks for the body again, which was a stream');
  }
  return { ...hop, url };
}

function targetOf(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) {
    throw new ProvingFetchError('bad_redirect', `the redirect to ${quote(location)} leads nowhere`);
  }
  const url = new URL(location, from);
  if (url.origin !== from.origin) {
    throw new ProvingFetchError('cross_origin_redirect', `${from.origin} redirects to ${quote(url.origin)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new ProvingFetchError('bad_redirect', 'the redirect carries a user name or password');
  }
  return url;
}

function changesToGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD';
  return (status === 301 || status === 302) && method === 'POST';
}

/** Whether the body can be read more than once. */
export function isReplayable(body: Body | null): boolean {
  return (
    body === null ||
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}
