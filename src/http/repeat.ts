import { isRefusedUnseen } from '../internal/refused-stream.js';
import { type Hop, isReplayable } from './redirect.js';

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** How Node and undici say that a connection ended before an answer came, such as one that was kept for too long. */
const CONNECTION_LOST: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
/** Errors wrap each other, and what wraps itself must not be followed for ever. */
const MAX_CAUSES = 8;

/**
 * Whether a request that failed may be sent once more by itself: whatever it is when the server has not looked at it, an
 * idempotent one when its connection ended (RFC 9110 section 9.2.2).
 */
export function isRepeatable(error: unknown, { method, body }: Hop): boolean {
  if (!isReplayable(body)) return false;
  const causes = causesOf(error);
  if (causes.some(isRefusedUnseen)) return true;
  return IDEMPOTENT.has(method) && causes.some((cause) => 'code' in cause && CONNECTION_LOST.has(cause.code));
}

function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < MAX_CAUSES; cause = cause.cause) causes.push(cause);
  return causes;
}
