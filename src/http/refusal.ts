import { STATUS_CODES } from 'node:http';
import { RequestAuthenticationError } from '../errors/index.js';

/** What may go back to a caller that was refused. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/**
 * The answer to a request that was refused. It names no rule, so that a refusal tells an attacker nothing; log the
 * error for that. A 401 carries a challenge, that of draft-ietf-wimse-wpt-02 for one; every other status, 400 as
 * draft-ietf-wimse-wpt-01 has it included, carries RFC 9457 problem details. An error that is no
 * `RequestAuthenticationError` gives 500.
 */
export function refusalOf(error: unknown): Refusal {
  const { status, challenge } =
    error instanceof RequestAuthenticationError ? error : { status: 500, challenge: undefined };
  if (challenge !== undefined) {
    return { status, headers: { ...headersOf(''), 'WWW-Authenticate': challenge }, body: undefined };
  }
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status });
  return { status, headers: { ...headersOf(body), 'Content-Type': 'application/problem+json' }, body };
}

function headersOf(body: string): Record<string, string> {
  return { 'Cache-Control': 'no-store', 'Content-Length': `${Buffer.byteLength(body)}` };
}
