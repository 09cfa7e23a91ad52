import type { WitBundleSource } from '../bundle/index.js';
import { WptError } from '../errors/index.js';
import type { Authorizer } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import type { ReplayStore } from '../replay/index.js';
import { verifyWit, type WitProfile } from '../wit/index.js';
import { type ProvenWorkload, readWptRequest, verifyWpt, WPT_DRAFTS, type WptDraft } from '../wpt/index.js';
import { acceptedAudiences } from './accepted-audiences.js';
import { authenticationError } from './authentication-error.js';

/** Who may call, and what their proofs must be made for. */
export interface RequestAuthenticatorOptions {
  /** Where the keys of a WIT's trust domain come from, asked for every request. */
  readonly bundles: WitBundleSource;
  /**
   * The audiences this service answers to, from configuration: URLs or agreed values. An origin without a path, such as
   * `https://tools.example.org`, also stands for the target URI of each request: a proof made for
   * `https://tools.example.org/orders` is then accepted at `/orders` and nowhere else. Mandatory. The `Host` header,
   * forwarding headers and absolute-form targets are never looked at.
   */
  readonly audiences: string | readonly string[];
  /** Decides about the proven identifier; everything but `true` refuses. Mandatory: spell out `anyId()` to admit all. */
  readonly authorize: Authorizer;
  /** Where used proofs are remembered. Mandatory; when it fails or is full, the request is refused with 503. */
  readonly replay: ReplayStore;
  /** How proofs may travel. Default: every draft svidkit knows. A request in two forms at once is refused. */
  readonly drafts?: readonly WptDraft[] | undefined;
  /**
   * Names of further header fields with tokens that this service looks at. Default none. Use such a token only if the
   * caller's `covered.otherTokens` names it.
   */
  readonly otherTokens?: readonly string[] | undefined;
  /** Which rules WITs may follow. Default both; see `verifyWit`. */
  readonly witProfiles?: readonly WitProfile[] | undefined;
  /** The values of `iss` accepted in a WIT. Default not looked at. */
  readonly witIssuers?: readonly string[] | undefined;
  /** How far the issuer's clock may be off, in seconds from 0 to 120. Default 30. */
  readonly witLeewaySeconds?: number | undefined;
  /** The longest life of a WIT that is accepted, in seconds. Default not limited. */
  readonly witMaxLifetimeSeconds?: number | undefined;
  /** How far the sender's clock may be off, in seconds from 0 to 60. Default 10. */
  readonly proofLeewaySeconds?: number | undefined;
  /** The longest life of a proof that is accepted, in seconds from 1 to 3600. Default 300. */
  readonly proofMaxLifetimeSeconds?: number | undefined;
  /** Whether a proof for several audiences is accepted if one of them is ours. Default `false`. */
  readonly allowMultipleAudiences?: boolean | undefined;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** What of a request is looked at: `IncomingMessage` is one, and so is the request of Express. */
export interface AuthenticatableRequest {
  /** Header names and values in turn, as they came. Joined or deduplicated headers hide what must be refused. */
  readonly rawHeaders: readonly string[];
  /** The request target. Without it, only the configured audiences themselves are accepted. */
  readonly url?: string | undefined;
  /** The request target before a framework rewrote `url`; goes before it. */
  readonly originalUrl?: string | undefined;
}

export interface AuthenticateOptions {
  /** Stops waiting for the replay store; the request is then refused with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The workload that sent a request, proven by a WIT and a proof of possession. Holds no token. */
export type Caller = ProvenWorkload;

export type RequestAuthenticator = (request: AuthenticatableRequest, options?: AuthenticateOptions) => Promise<Caller>;

/**
 * Makes the function that tells who sent a request, by its Workload Identity Token and Workload Proof Token
 * (draft-ietf-wimse-wpt). One pass: headers, WIT, proof, audience, hashes of other tokens, authorizer, replay store;
 * nothing is told before all of it held. A WIT without a proof, in whichever header, is no credential.
 *
 * The function rejects with a `RequestAuthenticationError`: `code` is the rule that refused (`no_credentials` when there
 * is no proof, `unavailable` when bundles cannot be read), `status` what to answer, by the draft the request follows.
 * Answer with `refusalOf(error)`, or use `requireCaller`.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createRequestAuthenticator(options: RequestAuthenticatorOptions): RequestAuthenticator {
  const audiences = checkOptions(options);
  const { bundles, authorize, replay, otherTokens, clock } = options;
  const drafts = options.drafts ?? (Object.keys(WPT_DRAFTS) as WptDraft[]);
  checkReading(drafts, otherTokens);
  const ofWit = {
    clock,
    profiles: options.witProfiles,
    issuers: options.witIssuers,
    leewaySeconds: options.witLeewaySeconds,
    maxLifetimeSeconds: options.witMaxLifetimeSeconds,
  };
  const ofProof = {
    clock,
    authorize,
    replay,
    leewaySeconds: options.proofLeewaySeconds,
    maxLifetimeSeconds: options.proofMaxLifetimeSeconds,
    allowMultipleAudiences: options.allowMultipleAudiences,
  };

  return async (request, { signal } = {}) => {
    const { rawHeaders, originalUrl, url } = request;
    if (!Array.isArray(rawHeaders)) throw new TypeError('a request has rawHeaders: names and values in turn');
    signal?.throwIfAborted();
    try {
      const presented = readWptRequest(rawHeaders, { drafts, otherTokens });
      const wit = await verifyWit(presented.wit, bundles, ofWit);
      return await verifyWpt(presented, wit, {
        ...ofProof,
        audiences: acceptedAudiences(audiences, originalUrl ?? url),
        signal,
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw authenticationError(error, rawHeaders, drafts);
    }
  };
}

function checkOptions({ bundles, audiences, authorize, replay }: RequestAuthenticatorOptions): readonly string[] {
  if (typeof bundles?.getWitBundle !== 'function') throw new TypeError('bundles must have a method getWitBundle()');
  if (typeof authorize !== 'function') {
    throw new TypeError('authorize is mandatory: say who may call, or spell out anyId()');
  }
  if (typeof replay?.insert !== 'function') {
    throw new TypeError('replay is mandatory: a replay store, such as createMemoryReplayStore()');
  }
  const list: readonly string[] = typeof audiences === 'string' ? [audiences] : [...(audiences ?? [])];
  if (list.length === 0 || !list.every((audience) => typeof audience === 'string' && audience !== '')) {
    throw new TypeError('audiences is mandatory: the URLs or values that proofs for this service are made for');
  }
  return list;
}

/** Reads a request without headers, which finds wrong options before the first real request does. */
function checkReading(drafts: readonly WptDraft[], otherTokens: readonly string[] | undefined): void {
  try {
    readWptRequest([], { drafts, otherTokens });
  } catch (error) {
    if (!(error instanceof WptError)) throw error;
  }
}
