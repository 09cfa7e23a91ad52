import { ProvingFetchError } from '../errors/index.js';
import { HTTP_SIGNATURE_DRAFTS, type HttpSignatureDraft } from '../http-signature/index.js';
import type { Clock } from '../internal/clock.js';
import type { WitSvid, WitSvidSource } from '../wit/index.js';
import { proveRequest, WPT_DRAFTS, type WptDraft } from '../wpt/index.js';
import { coveredTokens } from './covered-tokens.js';
import { type Hop, nextHop } from './redirect.js';
import { isRepeatable } from './repeat.js';
import {
  bufferedHop,
  type ExpectedResponses,
  type ReceivedResponse,
  receiveResponse,
  signHop,
} from './signed-exchange.js';

/** How a `fetch` proves who is calling: with a proof token, or with a signature of each request. */
export type ProvingFetchOptions = WptFetchOptions | SignatureFetchOptions;

/** What both mechanisms have in common. */
export interface CommonFetchOptions {
  /** The WIT-SVID to present, read for every attempt. What it throws comes through as it is. */
  readonly wit: WitSvidSource;
  /** The audience of the proof for a target. Default: the URL without query and fragment (draft-ietf-wimse-wpt section 2). */
  readonly audience?: ((url: string) => string) | undefined;
  /** How long a proof is valid, in seconds from 1 to 300. Default 60. */
  readonly lifetimeSeconds?: number | undefined;
  /**
   * Whether `http:` targets are allowed. Default `false`: credentials are sent over TLS only. Allow it where something
   * else secures the channel, such as a proxy on the same machine.
   */
  readonly allowPlaintext?: boolean | undefined;
  /** What sends the requests. Default: the global `fetch` of the moment of the call. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** A Workload Proof Token with each request (draft-ietf-wimse-wpt). It binds target and tokens, and no body. */
export interface WptFetchOptions extends CommonFetchOptions {
  readonly mechanism?: 'wpt' | undefined;
  /**
   * How the proof travels. Default `draft-ietf-wimse-wpt-02`, which takes the `Authorization` header for itself; with
   * `draft-ietf-wimse-wpt-01` the request may have a Bearer or DPoP access token, which the proof then covers.
   */
  readonly draft?: WptDraft | undefined;
  /** Names of header fields with further tokens; the proof covers those that a request has. Default none. */
  readonly otherTokens?: readonly string[] | undefined;
}

/**
 * An HTTP message signature of each request (draft-ietf-wimse-http-signature). It binds method, target, `Authorization`,
 * `Txn-Token` and the body, which therefore must be there as a whole: text, bytes, `Blob`, `URLSearchParams` or
 * `FormData`. A stream is refused with `stream_body`, and so is a `Request` with a body, which has become a stream: read
 * it into memory and give it as `init.body`.
 */
export interface SignatureFetchOptions extends CommonFetchOptions {
  readonly mechanism: 'http-signature';
  /** What the signature covers. Default `draft-ietf-wimse-http-signature-07`. */
  readonly draft?: HttpSignatureDraft | undefined;
  /**
   * Asks for signed responses and refuses, with `response_not_verified`, every other: an unsigned one, one to another
   * request, one of a workload that is not expected, refusals included. Status, body and Content-Type of the `Response`
   * are then the server's own; whatever else it has in its headers may have come from somebody in between. Default: no
   * response needs to be signed, and one that is signed nevertheless is refused.
   */
  readonly responses?: ExpectedResponses | undefined;
}

/** The limit of the Fetch Standard. */
const MAX_REDIRECTS = 20;

/**
 * Makes a `fetch` that adds the Workload Identity Token and a fresh proof of possession to each request. A `Txn-Token`
 * of the request is covered by the proof.
 *
 * A request whose body is not a stream is sent once more, with a fresh proof, when the server refused its HTTP/2 stream
 * unseen (RFC 9113 section 8.7), or when its connection ended before an answer came and the method is idempotent (RFC
 * 9110 section 9.2.2). Whatever else fails is the caller's to repeat; a misdirected request (421) is repeated by `fetch`
 * itself, as the Fetch Standard has it, with the proof that it has.
 *
 * Redirects within the origin are followed with a fresh proof for the new target, methods and bodies as in the Fetch
 * Standard; a redirect to another origin rejects with `cross_origin_redirect`, because a proof must not reach an
 * audience that the caller did not name. Where responses must be signed, so must be the `Location`. With
 * `redirect: 'manual'` the response that redirects is returned.
 *
 * The function rejects with `ProvingFetchError` when it will not send a request or not trust a response; with
 * `HttpSignatureError` when a request has what cannot be signed; with what the WIT source throws when there is no
 * identity to prove; with what the inner `fetch` rejects with otherwise.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createProvingFetch(options: ProvingFetchOptions): typeof globalThis.fetch {
  checkOptions(options);

  return async (input, init) => {
    const { first, signal, redirect, rest } = readRequest(input, init);
    let hop: Hop = options.mechanism === 'http-signature' ? await bufferedHop(first) : first;
    for (let redirects = 0; ; redirects += 1) {
      const received = await send(hop, signal, rest, options);
      const next = await follow(received, hop, redirect);
      if (next === undefined) return received.response;
      if (redirects === MAX_REDIRECTS) {
        throw new ProvingFetchError('too_many_redirects', `more than ${MAX_REDIRECTS} redirects`);
      }
      hop = next;
    }
  };
}

function checkOptions(options: ProvingFetchOptions): void {
  const { wit, mechanism = 'wpt', audience, draft, fetch: inner } = options;
  if (typeof wit?.getWitSvid !== 'function') throw new TypeError('wit must have a method getWitSvid()');
  if (mechanism !== 'wpt' && mechanism !== 'http-signature') {
    throw new TypeError('mechanism must be wpt or http-signature');
  }
  const drafts = mechanism === 'wpt' ? WPT_DRAFTS : HTTP_SIGNATURE_DRAFTS;
  if (draft !== undefined && !Object.hasOwn(drafts, draft)) {
    throw new TypeError(`draft is none of ${mechanism} that svidkit knows`);
  }
  if (audience !== undefined && typeof audience !== 'function') throw new TypeError('audience must be a function');
  if (inner !== undefined && typeof inner !== 'function') throw new TypeError('fetch must be a function');
  if (options.mechanism === 'http-signature' && options.responses !== undefined) checkResponses(options.responses);
}

function checkResponses({ bundles, authorize, maxBodyBytes = 0 }: ExpectedResponses): void {
  if (typeof bundles?.getWitBundle !== 'function') throw new TypeError('bundles must have a method getWitBundle()');
  if (typeof authorize !== 'function') {
    throw new TypeError('authorize is mandatory: say which workloads may answer, or spell out anyId()');
  }
  if (!(maxBodyBytes >= 0)) throw new TypeError('maxBodyBytes must be a number of bytes');
}

type Redirect = NonNullable<RequestInit['redirect']>;

interface OutgoingRequest {
  readonly first: Hop;
  readonly signal: AbortSignal | null;
  readonly redirect: Redirect;
  /** Whatever else was given, passed on: `dispatcher`, `keepalive` and the like. */
  readonly rest: RequestInit;
}

/** Reads a request apart, because it may be sent several times and by a `fetch` with a `Request` class of its own. */
function readRequest(input: string | URL | Request, init: RequestInit = {}): OutgoingRequest {
  const base = typeof input === 'object' && 'headers' in input ? input : undefined;
  const url = new URL(base === undefined ? String(input) : base.url);
  if (url.username !== '' || url.password !== '') throw new TypeError('a URL to fetch has no user name or password');
  const { method, headers, body, redirect, signal, ...rest } = init;
  return {
    first: {
      url,
      method: normalizeMethod(method ?? base?.method ?? 'GET'),
      headers: new Headers(headers ?? base?.headers),
      body: body ?? base?.body ?? null,
    },
    signal: signal === undefined ? (base?.signal ?? null) : signal,
    redirect: redirect ?? base?.redirect ?? 'follow',
    rest: base === undefined ? rest : { ...settingsOf(base), ...rest },
  };
}

function settingsOf({ credentials, integrity, keepalive, mode, referrerPolicy }: Request): RequestInit {
  return { credentials, integrity, keepalive, mode, referrerPolicy };
}

/** The Fetch Standard upper-cases these and no others. */
function normalizeMethod(method: string): string {
  return /^(?:delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method;
}

/** An answer that has come, with what has to be done before anybody may use it: a failure of that is no lost answer. */
interface Exchange {
  readonly receive: () => ReceivedResponse | Promise<ReceivedResponse>;
}

async function send(
  hop: Hop,
  signal: AbortSignal | null,
  rest: RequestInit,
  options: ProvingFetchOptions,
): Promise<ReceivedResponse> {
  const { receive } = await attempt(hop, signal, rest, options).catch((error: unknown) => {
    if (!isRepeatable(error, hop)) throw error;
    return attempt(hop, signal, rest, options);
  });
  return receive();
}

async function attempt(
  hop: Hop,
  signal: AbortSignal | null,
  rest: RequestInit,
  options: ProvingFetchOptions,
): Promise<Exchange> {
  signal?.throwIfAborted();
  const { url, method, body } = hop;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && options.allowPlaintext === true)) {
    throw new ProvingFetchError('not_tls', `${url.origin} is not https; a proof is not sent there`);
  }
  const { fetch = globalThis.fetch, wit, audience: audienceOf = (url: string) => url } = options;
  const svid = wit.getWitSvid();
  const audience = audienceOf(url.origin + url.pathname);
  const sendWith = (headers: Headers): Promise<Response> => {
    signal?.throwIfAborted();
    const duplex = body === null ? {} : { duplex: 'half' as const };
    return fetch(url.href, { ...rest, ...duplex, method, headers, body, signal, redirect: 'manual' });
  };
  if (options.mechanism !== 'http-signature') {
    const response = await sendWith(await withProof(svid, hop, audience, options));
    return { receive: () => ({ response, coveredFields: undefined }) };
  }
  const { draft, lifetimeSeconds, responses, clock } = options;
  const choices = { audience, draft, lifetimeSeconds, responses, clock };
  const { headers, signed } = await signHop(svid, hop, choices);
  const response = await sendWith(headers);
  return { receive: () => receiveResponse(response, signed, choices, signal) };
}

async function withProof(svid: WitSvid, hop: Hop, audience: string, options: WptFetchOptions): Promise<Headers> {
  const headers = new Headers(hop.headers);
  const { draft, lifetimeSeconds, clock } = options;
  const proof = await proveRequest(svid, {
    audience,
    draft,
    lifetimeSeconds,
    clock,
    ...coveredTokens((name) => headers.get(name), options),
  });
  for (const [name, value] of proof) headers.set(name, value);
  return headers;
}

async function follow(
  { response, coveredFields }: ReceivedResponse,
  hop: Hop,
  redirect: Redirect,
): Promise<Hop | undefined> {
  if (redirect === 'manual') return undefined;
  let next: Hop | undefined;
  try {
    next = nextHop(response, hop);
    if (next !== undefined && redirect === 'error') {
      throw new ProvingFetchError('bad_redirect', 'the response is a redirect, and none was allowed');
    }
    if (next !== undefined && coveredFields?.includes('location') === false) {
      throw new ProvingFetchError('bad_redirect', 'the response is signed, and where it redirects to is not');
    }
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  if (next !== undefined) await response.body?.cancel();
  return next;
}
