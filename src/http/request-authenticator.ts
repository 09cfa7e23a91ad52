import type { WitBundleSource } from '../bundle/index.js';
import { RequestAuthenticationError, WptError } from '../errors/index.js';
import type { HttpSignatureDraft, MessageBody, ProvenRequest, VerifiedContent } from '../http-signature/index.js';
import { HTTP_SIGNATURE_DRAFTS } from '../http-signature/index.js';
import type { Authorizer } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import type { ReplayStore } from '../replay/index.js';
import type { WitProfile } from '../wit/index.js';
import {
  type ProvenWorkload,
  readWptRequest,
  type SubjectTokenVerifier,
  WPT_DRAFTS,
  type WptDraft,
} from '../wpt/index.js';
import { acceptedAudiences } from './accepted-audiences.js';
import { type AcceptedProofs, authenticationError } from './authentication-error.js';
import { mechanismFor, type ProofMechanism, presentedProofs } from './proof-mechanism.js';
import { createProofTokenVerifier, createSignatureVerifier, type SignedRequestParts } from './proof-verifiers.js';
import { requestBody } from './request-body.js';

/** Who may call, and what their proofs must be made for. */
export interface RequestAuthenticatorOptions<Mechanism extends ProofMechanism = 'wpt'> {
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
  /**
   * How callers may prove themselves. Default `['wpt']`. With `http-signature` the body is read and verified before a
   * caller is told, who then has it as `body`. A service that needs every body to be bound to its caller accepts
   * `['http-signature']` alone; of two, each request chooses its own. A request with two proofs is refused in any case.
   */
  readonly mechanisms?: readonly Mechanism[] | undefined;
  /** How proof tokens may travel. Default: every draft svidkit knows. A request in two forms at once is refused. */
  readonly drafts?: readonly WptDraft[] | undefined;
  /** What signatures must cover. Default `['draft-ietf-wimse-http-signature-07']`. */
  readonly signatureDrafts?: readonly HttpSignatureDraft[] | undefined;
  /**
   * The longest body of a signed request, in bytes: so much is held until its digest is verified. A longer one is refused
   * with 413. Default 1 MiB.
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Names of further header fields with tokens that this service looks at. Default none. Use such a token only if the
   * proof covers it: `delegation.subjects` of the caller names those.
   */
  readonly otherTokens?: readonly string[] | undefined;
  /**
   * Verifies each token that the proof binds to the caller, an access token or a Txn-Token for one, by the rules of its
   * issuer, and gives its claims: they are then in `delegation.subjects` of the caller. Asked after the proof has bound
   * the token and the authorizer has admitted the caller. A throw refuses the request with 401 and `subject_token_refused`. Default:
   * nobody verifies such tokens, and nothing is told of them but that they are there.
   */
  readonly verifySubjectToken?: SubjectTokenVerifier | undefined;
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
  /** What a signature covers; of no account otherwise. */
  readonly method?: string | undefined;
  /** Header names and values in turn, as they came. Joined or deduplicated headers hide what must be refused. */
  readonly rawHeaders: readonly string[];
  /** The request target. Without it, only the configured audiences themselves are accepted, and no signature. */
  readonly url?: string | undefined;
  /** Whether the connection is one of TLS, for signatures that cover the scheme. Default: the scheme is not known. */
  readonly socket?: object | undefined;
  /** The request target before a framework rewrote `url`; goes before it. */
  readonly originalUrl?: string | undefined;
}

export interface AuthenticateOptions {
  /** Stops waiting for body, `verifySubjectToken` and replay store; the request is then refused with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface AuthenticateRequestOptions extends AuthenticateOptions {
  /**
   * The body of a signed request as it came, before any content coding was undone; `null` for none. Default: the request
   * is the stream of its own body, as `IncomingMessage` is, and is read to its end.
   */
  readonly body?: MessageBody | undefined;
  /**
   * Whether the answer will be signed for a client that asks for it, with `signResponse`. Default `false`: such a
   * request is then refused with 501, because no unsigned success may go out.
   */
  readonly signsResponses?: boolean | undefined;
}

/** Who sent a request with a proof token, which binds no body. */
export interface WptCaller extends ProvenWorkload {
  readonly body?: undefined;
}

/** Who sent a signed request, with the verified body of it: use no other copy. */
export interface SignatureCaller extends ProvenRequest {
  readonly body: VerifiedContent;
}

/**
 * The workload that sent a request, proven by a WIT and a proof of possession. Holds no token. Where both mechanisms are
 * accepted, `proof.kind` says which it was, and whether there is a `body` tells the types apart.
 */
export type Caller<Mechanism extends ProofMechanism = 'wpt'> = {
  readonly wpt: WptCaller;
  readonly 'http-signature': SignatureCaller;
}[Mechanism];

export type RequestAuthenticator<Mechanism extends ProofMechanism = 'wpt'> = (
  request: AuthenticatableRequest,
  options?: AuthenticateRequestOptions,
) => Promise<Caller<Mechanism>>;

/**
 * Makes the function that tells who sent a request, by its Workload Identity Token and a proof of possession: a Workload
 * Proof Token (draft-ietf-wimse-wpt) or an HTTP message signature (draft-ietf-wimse-http-signature). One pass: headers,
 * WIT, proof, audience, what else the proof covers, tokens of others, authorizer, body, replay store; nothing is told
 * before all of it held. A WIT without a proof, in whichever header, is no credential.
 *
 * The function rejects with a `RequestAuthenticationError`: `code` is the rule that refused (`no_credentials` when there
 * is no proof, `unavailable` when bundles cannot be read), `status` what to answer, by the draft the request follows.
 * Answer with `refusalOf(error)`, or use `requireCaller`.
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createRequestAuthenticator<Mechanism extends ProofMechanism = 'wpt'>(
  options: RequestAuthenticatorOptions<Mechanism>,
): RequestAuthenticator<Mechanism> {
  const audiencesFor = acceptedAudiences(checkOptions(options));
  const accepted = acceptedProofs(options);
  const reading = { drafts: accepted.drafts, otherTokens: options.otherTokens };
  checkReading(reading);
  const verifyProofToken = createProofTokenVerifier(options, reading);
  const verifySignature = createSignatureVerifier(options, accepted.signatureDrafts);

  const authenticate: RequestAuthenticator<ProofMechanism> = async (request, given = {}) => {
    const { rawHeaders } = request;
    const { signal } = given;
    if (!Array.isArray(rawHeaders)) throw new TypeError('a request has rawHeaders: names and values in turn');
    signal?.throwIfAborted();
    const presented = presentedProofs(rawHeaders);
    const bySignature = mechanismFor(presented, accepted.mechanisms) === 'http-signature';
    const signed = bySignature ? signedParts(request, given) : undefined;
    try {
      const expected = { audiences: audiencesFor(targetOf(request)), signal };
      if (signed === undefined) return await verifyProofToken(rawHeaders, expected);
      const caller = await verifySignature(signed, expected);
      checkAnswerable(caller, given);
      return caller;
    } catch (error) {
      signal?.throwIfAborted();
      throw authenticationError(error, presented, accepted);
    }
  };
  // A mechanism that is not accepted makes no caller.
  return authenticate as RequestAuthenticator<Mechanism>;
}

function targetOf({ originalUrl, url }: AuthenticatableRequest): string | undefined {
  return originalUrl ?? url;
}

function signedParts(request: AuthenticatableRequest, { body }: AuthenticateRequestOptions): SignedRequestParts {
  const { method, rawHeaders } = request;
  const target = targetOf(request);
  if (method === undefined || target === undefined) {
    throw new TypeError('the signature of a request is verified with its method and url');
  }
  return { method, target, rawHeaders, scheme: schemeOf(request), body: requestBody(request, body) };
}

function schemeOf({ socket }: AuthenticatableRequest): 'https' | undefined {
  return typeof socket === 'object' && socket !== null && 'encrypted' in socket && socket.encrypted === true
    ? 'https'
    : undefined;
}

/** draft-ietf-wimse-http-signature, "Signing the Response": better no answer than an unsigned success. */
function checkAnswerable({ proof }: SignatureCaller, { signsResponses = false }: AuthenticateRequestOptions): void {
  if (!proof.signResponse || signsResponses) return;
  const message = 'the client asks for a signed response, and none is given here';
  throw new RequestAuthenticationError('cannot_sign_response', message, { status: 501 });
}

function acceptedProofs(options: RequestAuthenticatorOptions<ProofMechanism>): AcceptedProofs {
  const mechanisms: readonly ProofMechanism[] = options.mechanisms ?? ['wpt'];
  if (!Array.isArray(mechanisms) || mechanisms.length === 0 || !mechanisms.every(isMechanism)) {
    throw new TypeError('mechanisms must list wpt, http-signature or both');
  }
  const signatureDrafts = options.signatureDrafts ?? ['draft-ietf-wimse-http-signature-07'];
  if (signatureDrafts.length === 0 || !signatureDrafts.every((draft) => Object.hasOwn(HTTP_SIGNATURE_DRAFTS, draft))) {
    throw new TypeError('signatureDrafts must list drafts that svidkit knows');
  }
  const { maxBodyBytes } = options;
  if (maxBodyBytes !== undefined && !(maxBodyBytes >= 0)) throw new TypeError('maxBodyBytes must be a number of bytes');
  const drafts = options.drafts ?? (Object.keys(WPT_DRAFTS) as WptDraft[]);
  return { mechanisms: [...mechanisms], drafts, signatureDrafts: [...signatureDrafts] };
}

function isMechanism(name: unknown): boolean {
  return name === 'wpt' || name === 'http-signature';
}

function checkOptions(options: RequestAuthenticatorOptions<ProofMechanism>): readonly string[] {
  const { bundles, audiences, authorize, replay, verifySubjectToken } = options;
  if (typeof bundles?.getWitBundle !== 'function') throw new TypeError('bundles must have a method getWitBundle()');
  if (typeof authorize !== 'function') {
    throw new TypeError('authorize is mandatory: say who may call, or spell out anyId()');
  }
  if (typeof replay?.insert !== 'function') {
    throw new TypeError('replay is mandatory: a replay store, such as createMemoryReplayStore()');
  }
  if (verifySubjectToken !== undefined && typeof verifySubjectToken !== 'function') {
    throw new TypeError('verifySubjectToken must be a function');
  }
  const list: readonly string[] = typeof audiences === 'string' ? [audiences] : [...(audiences ?? [])];
  if (list.length === 0 || !list.every((audience) => typeof audience === 'string' && audience !== '')) {
    throw new TypeError('audiences is mandatory: the URLs or values that proofs for this service are made for');
  }
  return list;
}

/** Reads a request without headers, which finds wrong options before the first real request does. */
function checkReading(reading: Parameters<typeof readWptRequest>[1]): void {
  try {
    readWptRequest([], reading);
  } catch (error) {
    if (!(error instanceof WptError)) throw error;
  }
}
