import { type Refusal, refusalOf } from './refusal.js';
import type { AuthenticatableRequest, Caller, RequestAuthenticator } from './request-authenticator.js';

/** What became of a request before the application was asked. */
export type Admission =
  | { readonly kind: 'admitted'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The client has gone, so there is nobody to answer. */
  | { readonly kind: 'gone' };

export interface AdmissionOptions {
  readonly signal: AbortSignal;
  readonly onRefused: ((error: unknown) => void) | undefined;
}

/** Authenticates a request, and tells why it was refused before it says so. */
export async function admit(
  authenticate: RequestAuthenticator,
  request: AuthenticatableRequest,
  { signal, onRefused }: AdmissionOptions,
): Promise<Admission> {
  try {
    const caller = await authenticate(request, { signal });
    return signal.aborted ? { kind: 'gone' } : { kind: 'admitted', caller };
  } catch (error) {
    onRefused?.(error);
    return signal.aborted ? { kind: 'gone' } : { kind: 'refused', refusal: refusalOf(error) };
  }
}

/** What of a `ServerResponse`, of HTTP/1.1 or HTTP/2, tells that the client has gone. */
export interface ClosableResponse {
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

/** As {@link admit}, for as long as the response of `node:http` or `node:http2` is open. */
export async function admitWhileOpen(
  authenticate: RequestAuthenticator,
  request: AuthenticatableRequest,
  response: ClosableResponse,
  onRefused: ((error: unknown) => void) | undefined,
): Promise<Admission> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  try {
    return await admit(authenticate, request, { signal: gone.signal, onRefused });
  } finally {
    response.off('close', leave);
  }
}

export function checkAuthenticator(authenticate: RequestAuthenticator): void {
  if (typeof authenticate !== 'function') throw new TypeError('authenticate must be a request authenticator');
}
