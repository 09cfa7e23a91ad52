import { ProvingFetchError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { WitSvidSource } from '../wit/index.js';
import { type MintWptOptions, proveRequest, WPT_DRAFTS, type WptDraft } from '../wpt/index.js';
import { type Hop, nextHop } from './redirect.js';

/** How a `fetch` proves who is calling. */
export interface ProvingFetchOptions {
  /** The WIT-SVID to present, read for every attempt. What it throws comes through as it is. */
  readonly wit: WitSvidSource;
  /** The audience of the proof for a target. Default: the URL without query and fragment (draft-ietf-wimse-wpt section 2). */
  readonly audience?: ((url: string) => string) | undefined;
  /**
   * How the proof travels. Default `draft-ietf-wimse-wpt-02`, which takes the `Authorization` header for itself; with
   * `draft-ietf-wimse-wpt-01` the request may have a Bearer or DPoP access token, which the proof then covers.
   */
  readonly draft?: WptDraft | undefined;
  /** Names of header fields with further tokens; the proof covers those that a request has. Default none. */
  readonly otherTokens?: readonly string[] | undefined;
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

/** The limit of the Fetch Standard. */
const MAX_REDIRECTS = 20;

/**
 * Makes a `fetch` that adds the Workload Identity Token and a fresh proof of possession to each request
 * (draft-ietf-wimse-wpt). A `Txn-Token` of the request is covered by the proof. Nothing is retried.
 *
 * Redirects within the origin are followed with a fresh proof for the new target, methods and bodies as in the Fetch
 * Standard; a redirect to another origin rejects with `cross_origin_redirect`, because a proof must not reach an
 * audience that the caller did not name. With `redirect: 'manual'` the response that redirects is returned.
 *
 * The function rejects with `ProvingFetchError` when it will not send a request; with what the WIT source throws when
 * there is no identity to prove; with what the inner `fetch` rejects with otherwise.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createProvingFetch(options: ProvingFetchOptions): typeof globalThis.fetch {
  const { wit, audience, draft = 'draft-ietf-wimse-wpt-02', fetch: inner } = options;
  if (typeof wit?.getWitSvid !== 'function') throw new TypeError('wit must have a method getWitSvid()');
  if (!Object.hasOwn(WPT_DRAFTS, draft)) throw new TypeError('draft is none that svidkit knows');
  if (audience !== undefined && typeof audience !== 'function') throw new TypeError('audience must be a function');
  if (inner !== undefined && typeof inner !== 'function') throw new TypeError('fetch must be a function');

  return async (input, init) => {
    const { first, signal, redirect, rest } = readRequest(input, init);
    let hop: Hop = first;
    for (let redirects = 0; ; redirects += 1) {
      const response = await send(hop, signal, rest, options);
      const next = await follow(response, hop, redirect);
      if (next === undefined) return response;
      if (redirects === MAX_REDIRECTS) {
        throw new ProvingFetchError('too_many_redirects', `more than ${MAX_REDIRECTS} redirects`);
      }
      hop = next;
    }
  };
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

async function send(
  hop: Hop,
  signal: AbortSignal | null,
  rest: RequestInit,
  options: ProvingFetchOptions,
): Promise<Response> {
  signal?.throwIfAborted();
  if (hop.url.protocol !== 'https:' && !(hop.url.protocol === 'http:' && options.allowPlaintext === true)) {
    throw new ProvingFetchError('not_tls', `${hop.url.origin} is not https; a proof is not sent there`);
  }
  const headers = await withProof(hop, options);
  signal?.throwIfAborted();
  const { fetch = globalThis.fetch } = options;
  const duplex = hop.body === null ? {} : { duplex: 'half' as const };
  return fetch(hop.url.href, {
    ...rest,
    ...duplex,
    method: hop.method,
    headers,
    body: hop.body,
    signal,
    redirect: 'manual',
  });
}

async function withProof(hop: Hop, options: ProvingFetchOptions): Promise<Headers> {
  const headers = new Headers(hop.headers);
  for (const name of ['Workload-Identity-Token', 'Workload-Proof-Token']) {
    if (headers.has(name)) throw new ProvingFetchError('reserved_header', `${name} is for the proof; leave it out`);
  }
  const { audience = (url: string) => url, draft, lifetimeSeconds, clock, wit } = options;
  const proof = await proveRequest(wit.getWitSvid(), {
    audience: audience(`${hop.url.origin}${hop.url.pathname}`),
    draft,
    lifetimeSeconds,
    clock,
    ...coveredTokens(headers, options),
  });
  for (const [name, value] of proof) headers.set(name, value);
  return headers;
}

type CoveredTokens = Pick<MintWptOptions, 'accessToken' | 'otherTokens' | 'txnToken'>;

function coveredTokens(
  headers: Headers,
  { draft = 'draft-ietf-wimse-wpt-02', otherTokens = [] }: ProvingFetchOptions,
): CoveredTokens {
  const present = otherTokens.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    accessToken: accessTokenOf(headers.get('Authorization'), draft),
    txnToken: headers.get('Txn-Token') ?? undefined,
    otherTokens: Object.fromEntries(present),
  };
}

function accessTokenOf(authorization: string | null, draft: WptDraft): string | undefined {
  if (authorization === null) return undefined;
  if (!WPT_DRAFTS[draft].accessToken) {
    const message = `${draft} puts the proof into Authorization; draft-ietf-wimse-wpt-01 can stand next to an access token`;
    throw new ProvingFetchError('authorization_taken', message);
  }
  const [, token] = /^(?:bearer|dpop) +(.*)$/i.exec(authorization) ?? [];
  if (token === undefined) {
    throw new ProvingFetchError('unsupported_authorization', 'Authorization holds neither a Bearer nor a DPoP token');
  }
  return token;
}

async function follow(response: Response, hop: Hop, redirect: Redirect): Promise<Hop | undefined> {
  if (redirect === 'manual') return undefined;
  let next: Hop | undefined;
  try {
    next = nextHop(response, hop);
    if (next !== undefined && redirect === 'error') {
      throw new ProvingFetchError('bad_redirect', 'the response is a redirect, and none was allowed');
    }
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  if (next !== undefined) await response.body?.cancel();
  return next;
}
