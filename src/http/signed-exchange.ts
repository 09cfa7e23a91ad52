import type { WitBundleSource } from '../bundle/index.js';
import { HttpSignatureError, ProvingFetchError, WitError } from '../errors/index.js';
import {
  type HttpSignatureDraft,
  type ProvenResponse,
  readResponseWit,
  type SignedRequest,
  signRequest,
  verifyResponse,
} from '../http-signature/index.js';
import type { Authorizer } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import { verifyWit, type WitProfile, type WitSvid } from '../wit/index.js';
import { type Hop, isReplayable } from './redirect.js';
import { boundedBody } from './request-body.js';

/** Who must have signed the responses to signed requests. */
export interface ExpectedResponses {
  /** Where the keys of the server's WIT come from. */
  readonly bundles: WitBundleSource;
  /** Which workloads may answer: a signature of any other is refused. Mandatory. */
  readonly authorize: Authorizer;
  /** Which rules the server's WIT may follow. Default both; see `verifyWit`. */
  readonly witProfiles?: readonly WitProfile[] | undefined;
  /** The longest response, in bytes: so much is held until its digest is verified. A longer one is refused. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
}

export interface SignedExchangeOptions {
  readonly audience: string;
  readonly draft: HttpSignatureDraft | undefined;
  readonly lifetimeSeconds: number | undefined;
  readonly responses: ExpectedResponses | undefined;
  readonly clock: Clock | undefined;
}

/** Fields that only a proof may bring along. */
const RESERVED = ['Workload-Identity-Token', 'Workload-Proof-Token', 'Signature', 'Signature-Input'] as const;

/** The hop with all of its body in bytes, and with the Content-Type that `fetch` gives it, because that is signed too. */
export async function bufferedHop(hop: Hop): Promise<Hop> {
  if (hop.body === null) return hop;
  if (!isReplayable(hop.body)) {
    throw new ProvingFetchError(
      'stream_body',
      'the body of a signed request must be there as a whole: text, bytes or Blob',
    );
  }
  const whole = new Response(hop.body);
  const headers = new Headers(hop.headers);
  const type = whole.headers.get('Content-Type');
  if (type !== null && !headers.has('Content-Type')) headers.set('Content-Type', type);
  return { ...hop, headers, body: new Uint8Array(await whole.arrayBuffer()) };
}

/** A request that is ready to be sent, with what its response is bound to. */
export interface SignedHop {
  readonly headers: Headers;
  readonly signed: SignedRequest;
}

/** Signs a hop that was buffered. */
export async function signHop(svid: WitSvid, hop: Hop, options: SignedExchangeOptions): Promise<SignedHop> {
  const { url, method, body } = hop;
  const headers = new Headers(hop.headers);
  for (const name of RESERVED) {
    if (headers.has(name)) throw new ProvingFetchError('reserved_header', `${name} is for the proof; leave it out`);
  }
  // A digest is of the bytes as they come, and `fetch` would undo a coding before anybody sees them.
  if (!headers.has('Accept-Encoding')) headers.set('Accept-Encoding', 'identity');
  const request = {
    ...{ method, target: url.pathname + url.search, authority: url.host },
    rawHeaders: Array.from(headers).flat(),
    body: body instanceof Uint8Array ? body : null,
  };
  const { audience, draft, lifetimeSeconds, clock } = options;
  const signed = await signRequest(svid, request, {
    ...{ audience, draft, lifetimeSeconds, clock },
    signResponse: options.responses !== undefined,
    // How the body is to be understood.
    components: headers.has('Content-Encoding') ? ['content-encoding'] : [],
  });
  for (const [name, value] of signed.fields) headers.append(name, value);
  return { headers, signed };
}

/** A response that may be handed on. */
export interface ReceivedResponse {
  readonly response: Response;
  /** The fields that its signature covers; `undefined` for one that need not be signed and is not. */
  readonly coveredFields: readonly string[] | undefined;
}

/**
 * Verifies a response that is signed, asked for or not, and refuses an unsigned one where one was asked for
 * (draft-ietf-wimse-http-signature, "Signing the Response"). The body that is handed on is the verified one.
 */
export async function receiveResponse(
  response: Response,
  signed: SignedRequest,
  options: SignedExchangeOptions,
  signal: AbortSignal | null,
): Promise<ReceivedResponse> {
  if (response.type === 'opaqueredirect') throw new ProvingFetchError('bad_redirect', 'the redirect cannot be read');
  try {
    const token = readResponseWit(Array.from(response.headers).flat(), { request: signed });
    if (token === undefined) return { response, coveredFields: undefined };
    const proven = await verifiedResponse(response, token, signed, options, signal);
    return { response: withBody(response, proven), coveredFields: proven.covered.fields };
  } catch (error) {
    if (response.body?.locked === false) await response.body.cancel();
    signal?.throwIfAborted();
    if (!(error instanceof HttpSignatureError) && !(error instanceof WitError)) throw error;
    const message = `the response with status ${response.status} is refused: ${error.message}`;
    throw new ProvingFetchError('response_not_verified', message, { cause: error });
  }
}

async function verifiedResponse(
  response: Response,
  token: string,
  request: SignedRequest,
  { responses, clock }: SignedExchangeOptions,
  signal: AbortSignal | null,
): Promise<ProvenResponse> {
  if (responses === undefined) {
    const message = 'the response is signed, and who may have signed it was not said: give `responses`';
    throw new ProvingFetchError('response_not_verified', message);
  }
  const { bundles, authorize, witProfiles: profiles, maxBodyBytes = 1_048_576 } = responses;
  const wit = await verifyWit(token, bundles, { profiles, clock });
  const { status, headers, body } = response;
  const received = {
    status,
    rawHeaders: Array.from(headers).flat(),
    body: boundedBody(body, maxBodyBytes, responseTooLarge),
  };
  const choices = { request, authorize, clock, signal: signal ?? undefined, maxBufferedBytes: maxBodyBytes };
  return verifyResponse(received, wit, choices);
}

function withBody(response: Response, { body }: ProvenResponse): Response {
  if (body.state !== 'verified') throw responseTooLarge();
  const { status, statusText, headers, url } = response;
  const content = response.body === null ? null : new Uint8Array(body.bytes);
  return Object.defineProperty(new Response(content, { status, statusText, headers }), 'url', { value: url });
}

function responseTooLarge(): ProvingFetchError {
  return new ProvingFetchError('response_too_large', 'the response is longer than may be held until it is verified');
}
