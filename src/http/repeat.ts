import { type Hop, isReplayable } from './redirect.js';

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** How Node and undici say that a connection ended before an answer came, such as one that was kept for too long. */
const CONNECTION_LOST: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
/** Errors wrap each other, and what wraps itself must not be followed for ever. */
const MAX_CAUSES = 8;

/**
 * Whether a request that failed may be sent once more by itself: whatever it is when the server refused its stream unseen
 * (RFC 9113 section 8.7), an idempotent one when its connection ended (RFC 9110 section 9.2.2).
 */
export function isRepeatable(error: unknown, { method, body }: Hop): boolean {
  if (!isReplayable(body)) return false;
  return causesOf(error).some(
    ({ code, message }) =>
      (code === 'ERR_HTTP2_STREAM_ERROR' && `${message}`.includes('NGHTTP2_REFUSED_STREAM')) ||
      (CONNECTION_LOST.has(code) && IDEMPOTENT.has(method)),
  );
}

function causesOf(error: unknown): { readonly code?: unknown; readonly message?: unknown }[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < MAX_CAUSES; cause = cause.cause) causes.push(cause);
  return causes;
}
