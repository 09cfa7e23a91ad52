import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { SpiffeBundle } from '../bundle/index.js';
import { tell } from '../internal/tell.js';

export interface BundleEndpointHandlerOptions {
  /**
   * The bundle to serve, asked for at every request: `() => issuer.bundle`, `() => source.current`. While it gives
   * `undefined` or throws, the answer is 503.
   */
  readonly bundle: () => SpiffeBundle | undefined;
  /** The one path that is served, byte for byte as it stands in the request. Default `/`. */
  readonly path?: string | undefined;
  /**
   * Told why a request got 503: what `bundle` threw, or why the bundle cannot be written. What it throws is ignored.
   * Default: nobody is told.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * A request listener for `node:https` that serves a SPIFFE bundle (SPIFFE_Federation sections 5.2.1.3 and 5.2.2.3): GET
 * and HEAD on one path, anything else gets 404 or 405. Every answer is the newest bundle; caches must ask again, which
 * its `ETag` makes cheap.
 *
 * It asks nobody who they are, and the standard forbids the server around it to: no client certificates, no
 * credentials. A bundle holds public keys alone.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createBundleEndpointHandler(options: BundleEndpointHandlerOptions): RequestListener {
  const { bundle, path = '/', onError } = options;
  if (typeof bundle !== 'function')
    throw new TypeError('bundle must be a function that gives the SpiffeBundle to serve');
  if (!path.startsWith('/') || /[?#\s]/.test(path)) throw new TypeError('path must begin with / and be a path alone');
  let served: Served | undefined;
  const read = (): Served | undefined => {
    try {
      const current = bundle();
      if (current === undefined) return undefined;
      if (served?.bundle !== current) served = serve(current);
      return served;
    } catch (error) {
      tell(onError, error);
      return undefined;
    }
  };
  return (request, response) => {
    request.resume();
    const [wanted] = (request.url ?? '').split('?', 1);
    if (wanted !== path) return refuse(response, 404);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, { Allow: 'GET, HEAD' });
    const found = read();
    if (found === undefined) return refuse(response, 503, { 'Retry-After': '5' });
    answer(request, response, found);
  };
}

/** A bundle as it goes over the wire. */
interface Served {
  readonly bundle: SpiffeBundle;
  readonly body: Buffer;
  readonly etag: string;
}

function serve(bundle: SpiffeBundle): Served {
  const body = Buffer.from(bundle.serialize());
  return { bundle, body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}

function answer(request: IncomingMessage, response: ServerResponse, { body, etag }: Served): void {
  const headers = { 'Cache-Control': 'no-cache', ETag: etag };
  if (isHeld(request.headers['if-none-match'], etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': 'application/json',
    'Content-Length': body.byteLength,
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** RFC 9110 section 13.1.2: weak comparison. */
function isHeld(held: string | undefined, etag: string): boolean {
  if (held === undefined) return false;
  return held.trim() === '*' || held.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'Cache-Control': 'no-store', 'Content-Length': 0, ...headers }).end();
}
