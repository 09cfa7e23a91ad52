import type { Authorizer, WorkloadId } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { readFields } from '../internal/fields.js';
import type { JsonObject } from '../internal/json.js';
import { secondsOption } from '../internal/validity.js';
import {
  checkSubjectVerifier,
  type DelegationContext,
  delegationOf,
  type SubjectTokenVerifier,
} from '../replay/delegation.js';
import type { ReplayStore } from '../replay/index.js';
import {
  checkAudience,
  checkAuthorized,
  checkFirstUse,
  expectedAudiences,
  revealIdentity,
} from '../replay/proof-steps.js';
import type { UnprovenWit, WitContents } from '../wit/index.js';
import { checkBodyGiven, verifyBody } from './body-rules.js';
import { readComponents } from './component.js';
import type { MessageBody } from './content-digest.js';
import {
  boundTokens,
  type CoveredParts,
  checkRequestFields,
  checkSameWit,
  coveredDraft,
  coveredParts,
  identityTokenOf,
  otherTokenFields,
} from './coverage.js';
import { DEFAULT_DRAFT, type HttpSignatureDraft, listedDrafts } from './drafts.js';
import { keepRequest } from './kept-request.js';
import { type HttpRequestMessage, readRequest } from './message.js';
import { baseOfReceived } from './message-signature.js';
import {
  checkProfileLife,
  profileSignature,
  readProfileParameters,
  readSignResponse,
  requiredText,
} from './profile-signature.js';
import { checkSignature, replayKey, SIGNATURE } from './proof-checks.js';
import type { VerifiedBody } from './verified-body.js';

/** A request that was received. */
export interface IncomingRequest extends HttpRequestMessage {
  /**
   * The body as it came, before any content coding was undone; an `IncomingMessage` will do. `null` for none, which is
   * held to what the header fields announce; over HTTP/2, where a body may come unannounced, give the stream.
   */
  readonly body: MessageBody;
}

/** What the verification of a request and of a response have in common. */
export interface VerifySignatureOptions {
  /** Decides about the verified identifier. Mandatory; a throw is a refusal. */
  readonly authorize: Authorizer;
  /** The longest life of a signature that is accepted, in seconds from 1 to 3600. Default 300. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** How far the sender's clock may be off, in seconds from 0 to 60. Default 10. */
  readonly leewaySeconds?: number | undefined;
  /**
   * How much of a body in pieces is held back until its digest has been verified, in bytes. A longer one is handed on
   * in pieces, see {@link VerifyingContent}. Default 1 MiB.
   */
  readonly maxBufferedBytes?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
  /** Stops waiting for the body and the replay store; the message is then refused with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface VerifyRequestOptions extends VerifySignatureOptions {
  /**
   * The audiences that this service answers to, from configuration and never from the request: URLs, compared without
   * query and default port, or agreed values. Mandatory: nothing else in the signature says which host it is for.
   */
  readonly audiences: string | readonly string[];
  /** Where used signatures are remembered. Mandatory; when it fails or is full the request is refused. */
  readonly replay: ReplayStore;
  /** The drafts whose coverage is accepted. Default `draft-ietf-wimse-http-signature-07` only. */
  readonly drafts?: readonly HttpSignatureDraft[] | undefined;
  /** Names of further header fields with tokens. Those that the signature covers count as bound. Default none. */
  readonly otherTokens?: readonly string[] | undefined;
  /**
   * Verifies each token that the signature binds to the workload, once it is bound, and gives its claims for
   * {@link DelegationContext}. What it throws refuses the request. Default: no claims of such a token are told.
   */
  readonly verifySubjectToken?: SubjectTokenVerifier | undefined;
}

/** What the proof was. */
export interface HttpSignatureProof {
  readonly kind: 'http-signature';
  readonly draft: HttpSignatureDraft;
  readonly nonce: string;
  /** The configured audience that it was made for. */
  readonly audience: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Whether the client refuses an unsigned response; a server that cannot sign answers 400 or 501. */
  readonly signResponse: boolean;
}

/** A workload that has proven who it is, with the body of its request. Holds no token. */
export interface ProvenRequest {
  readonly id: WorkloadId;
  /** All claims of the WIT, as they were signed. */
  readonly claims: JsonObject;
  readonly proof: HttpSignatureProof;
  /** The RFC 7638 thumbprint of the key that made the signature. */
  readonly thumbprint: string;
  /** What of the request the signature binds to this workload; a decision must not rest on any other field. */
  readonly covered: CoveredParts;
  /** The same for an audit log, with those on whose behalf the workload acts. */
  readonly delegation: DelegationContext;
  /** Use this body, and no other copy of it. */
  readonly body: VerifiedBody;
}

/**
 * The Workload Identity Token of a request, for `verifyWit`. Nothing has been verified.
 *
 * @param rawHeaders - names and values in turn, as `IncomingMessage.rawHeaders` has them.
 * @throws `HttpSignatureError` `missing_wit`, `duplicate_header` or `bad_header`.
 */
export function readRequestWit(rawHeaders: readonly string[]): string {
  return identityTokenOf(readFields(rawHeaders));
}

/**
 * Verifies the signature of a request with the key of its WIT, asks the authorizer, verifies the body and remembers the
 * signature, in this order (draft-ietf-wimse-http-signature, "The Protocol"). The signature must still be valid when the
 * body has come.
 *
 * @throws `HttpSignatureError` with the rule that refused; the signal's reason when it was aborted.
 */
export async function verifyRequest(
  request: IncomingRequest,
  wit: UnprovenWit,
  options: VerifyRequestOptions,
): Promise<ProvenRequest> {
  const { leeway, maxLifetime, clock } = checkOptions('verifyRequest', options);
  const { expected, drafts, otherFields } = checkRequestOptions(options);
  const message = readRequest(request);
  checkBodyGiven(message.fields, request.body, false);

  checkSameWit(message.fields, wit);
  checkRequestFields(message.fields);
  const received = profileSignature(message.fields);
  const parameters = readProfileParameters(received.input.parameters, ['wimse-req-nonce']);
  const wimseAud = requiredText(received.input.parameters, 'wimse-aud', 2048);
  const signResponse = readSignResponse(received.input.parameters);
  const components = readComponents(received.input.items);
  const draft = coveredDraft(components, message, drafts);
  checkSignature(received, baseOfReceived(received, components, message), wit);
  const now = clock();
  checkProfileLife(parameters, now, leeway, maxLifetime);
  const audience = checkAudience(SIGNATURE, [wimseAud], expected);
  const { id, claims } = revealIdentity<WitContents>(SIGNATURE, wit, now);
  checkAuthorized(SIGNATURE, options.authorize, id);
  const { created, expires, nonce } = parameters;
  const times = (): [Date, Date] => [new Date(created * 1000), new Date(expires * 1000)];
  const covered = coveredParts(components);
  const tokens = boundTokens(message.fields, covered, otherFields);
  const [issuedAt, endsAt] = times();
  const made = { kind: 'http-signature' as const, draft, issuedAt, expiresAt: endsAt };
  const delegation = await delegationOf(SIGNATURE, { id, claims, wit, tokens, proof: made, now }, options);
  const body = await verifyBody(message.fields, request.body, options);
  // The sender decides how long the body takes, and an entry that has ended already is no memory.
  checkProfileLife(parameters, clock(), leeway, maxLifetime);
  await checkFirstUse(
    SIGNATURE,
    options.replay,
    { key: replayKey('request', wit, nonce), sender: id.toString(), expiresAt: (expires + leeway) * 1000 },
    options.signal,
  );

  const [createdAt, expiresAt] = times();
  const proof = Object.freeze({
    kind: 'http-signature' as const,
    ...{ draft, nonce, audience, createdAt, expiresAt, signResponse },
  });
  const proven = Object.freeze({ id, claims, proof, thumbprint: wit.thumbprint, covered, delegation, body });
  keepRequest(proven, { message, draft, nonce, signResponse });
  return proven;
}

interface CheckedOptions {
  readonly leeway: number;
  readonly maxLifetime: number;
  readonly clock: Clock;
}

export function checkOptions(caller: string, options: VerifySignatureOptions): CheckedOptions {
  if (typeof options?.authorize !== 'function') {
    throw new TypeError(`${caller}() needs an authorizer; to admit every verified workload, spell out anyId()`);
  }
  return {
    leeway: secondsOption('leewaySeconds', options.leewaySeconds ?? 10, 0, 60),
    maxLifetime: secondsOption('maxLifetimeSeconds', options.maxLifetimeSeconds ?? 300, 1, 3600),
    clock: options.clock ?? systemClock,
  };
}

function checkRequestOptions({ audiences, replay, drafts = [DEFAULT_DRAFT], ...options }: VerifyRequestOptions): {
  /** Normalised audience to the configured spelling of it. */
  readonly expected: ReadonlyMap<string, string>;
  readonly drafts: readonly HttpSignatureDraft[];
  readonly otherFields: readonly string[];
} {
  checkSubjectVerifier(options);
  if (typeof replay?.insert !== 'function') {
    throw new TypeError('verifyRequest() needs a replay store, such as createMemoryReplayStore()');
  }
  const otherFields = otherTokenFields(options.otherTokens);
  return { expected: expectedAudiences(audiences, 'verifyRequest'), drafts: listedDrafts(drafts), otherFields };
}
