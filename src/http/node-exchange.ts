import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import type { Admission, Admit } from './admission.js';
import { holdForSigning } from './held-answer.js';
import type { ProofMechanism } from './proof-mechanism.js';
import type { Refusal } from './refusal.js';
import type { AuthenticatableRequest } from './request-authenticator.js';

/** What of a `ServerResponse` of `node:http`, or an `Http2ServerResponse` of `node:http2`, is used. */
export interface NodeResponse {
  readonly req: { readonly method?: string | undefined };
  readonly headersSent: boolean;
  readonly destroyed?: boolean;
  statusCode: number;
  statusMessage: string;
  getHeaders(): OutgoingHttpHeaders;
  getHeaderNames(): string[];
  setHeader(name: string, value: OutgoingHttpHeader): unknown;
  appendHeader(name: string, value: string): unknown;
  removeHeader(name: string): void;
  writeHead(status: number, headers?: OutgoingHttpHeaders): unknown;
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/**
 * Admits a request for as long as its response is open. When the answer has to be signed, the response is held back
 * from then on.
 */
export async function admitExchange<Mechanism extends ProofMechanism>(
  admit: Admit<Mechanism>,
  request: AuthenticatableRequest,
  response: NodeResponse,
  onRefused: (error: unknown) => void,
): Promise<Admission<Mechanism>> {
  return whileOpen(response, async (signal) => {
    const admission = await admit(request, { signal, onRefused });
    if (admission.kind === 'admitted' && admission.signing !== undefined) holdForSigning(response, admission.signing);
    return admission;
  });
}

/** What of a response tells that the client has gone. */
export type ClosableResponse = Pick<NodeResponse, 'once' | 'off' | 'destroyed'>;

/** Runs with a signal that aborts when the response is closed meanwhile. */
export async function whileOpen<T>(response: ClosableResponse, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  // Whoever left before is not heard leaving.
  if (response.destroyed === true) leave();
  try {
    return await run(gone.signal);
  } finally {
    response.off('close', leave);
  }
}

export function answerRefusal(response: NodeResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, { ...headers });
  response.end(body);
}
