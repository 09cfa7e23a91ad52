import { randomBytes } from 'node:crypto';
import { withoutQuery } from '../internal/audience.js';
import { type Clock, systemClock } from '../internal/clock.js';
import type { WitCredential, WitSvid } from '../wit/index.js';
import type { ComponentLike } from './component.js';
import type { DigestAlgorithm } from './content-digest.js';
import { checkRequestFields, requestComponents, WIT_FIELD } from './coverage.js';
import { credentialOf, lifeOf } from './credential.js';
import { digestFields, type OutgoingBody } from './digest-fields.js';
import { DEFAULT_DRAFT, type HttpSignatureDraft, rulesOf } from './drafts.js';
import { type KeptRequest, keepRequest } from './kept-request.js';
import { type HeaderFields, type HttpRequestMessage, readRequest } from './message.js';
import { WIMSE_LABEL, WIMSE_TAG } from './profile-signature.js';
import { signRead } from './sign-message.js';

/** A request to be signed, with all its fields but those that are made here. */
export interface OutgoingRequest extends HttpRequestMessage, OutgoingBody {}

export interface SignRequestOptions {
  /** Whom the request is for: the target URI, whose query and fragment are left out, or a value agreed with the receiver. */
  readonly audience: string;
  /** The draft to follow. Default `draft-ietf-wimse-http-signature-07`. */
  readonly draft?: HttpSignatureDraft | undefined;
  /** How long the signature is valid, in whole seconds from 1 to 300. Default 60. Never beyond the end of the WIT. */
  readonly lifetimeSeconds?: number | undefined;
  /** Whether the response must be signed. Default `false`. An unsigned one is then refused. */
  readonly signResponse?: boolean | undefined;
  /** What to cover besides what the draft asks for: field names, `@authority`. Default nothing. */
  readonly components?: readonly ComponentLike[] | undefined;
  /** The name of the signature. Default `wimse`. */
  readonly label?: string | undefined;
  /** For the `Content-Digest` of the body. Default `sha-256`. */
  readonly digestAlgorithm?: DigestAlgorithm | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
}

/**
 * A request that was signed. Keep it for {@link verifyResponse}: a response is bound to this very request. Its tokens do
 * not show in logs, JSON or clones.
 */
export class SignedRequest {
  readonly draft: HttpSignatureDraft;
  /** Whether the response must be signed. */
  readonly signResponse: boolean;
  readonly #fields: HeaderFields;

  /** @internal */
  constructor(fields: HeaderFields, kept: KeptRequest) {
    this.draft = kept.draft;
    this.signResponse = kept.signResponse;
    this.#fields = fields;
    keepRequest(this, kept);
    Object.freeze(this);
  }

  /** The header fields to add to the request, which is otherwise sent as it was given. None for one that was read. */
  get fields(): HeaderFields {
    return this.#fields;
  }
}

/**
 * Signs a request with the key of a WIT (draft-ietf-wimse-http-signature, "The Protocol"): WIT, `Content-Digest` where
 * there is a body, and a signature over what the draft asks for. Sign every attempt anew; a signature is accepted once.
 *
 * @throws `HttpSignatureError` `wit_expired`, `alg_mismatch`; `missing_content_digest` or `body_not_given` when
 * the body is not known, `digest_mismatch` when it is not that of the `Content-Digest` given; `duplicate_header`,
 * `bad_header`, `two_proofs`, `missing_component` and `bad_component_value` for what a receiver would refuse.
 */
export async function signRequest(
  svid: WitSvid | WitCredential,
  request: OutgoingRequest,
  options: SignRequestOptions,
): Promise<SignedRequest> {
  const { draft = DEFAULT_DRAFT, signResponse = false, label = WIMSE_LABEL, clock = systemClock } = options;
  rulesOf(draft);
  const audience = audienceOf(options);
  const credential = credentialOf(svid);
  const life = lifeOf(credential, options.lifetimeSeconds ?? 60, clock);

  const plain = readRequest(request);
  if (plain.fields.has('workload-identity-token')) throw new TypeError(`${WIT_FIELD} is added here; leave it out`);
  const added: HeaderFields = [
    ...digestFields(plain.fields, request, options.digestAlgorithm ?? 'sha-256', false),
    [WIT_FIELD, credential.token],
  ];
  const message = readRequest({ ...request, rawHeaders: [...request.rawHeaders, ...added.flat()] });
  checkRequestFields(message.fields);
  const nonce = newNonce();
  const signature = await signRead(message, credential.signer, {
    components: withFurther(requestComponents(message, draft), options.components),
    parameters: {
      ...life,
      nonce,
      tag: WIMSE_TAG,
      'wimse-aud': audience,
      'wimse-sign-response': signResponse ? true : undefined,
    },
    label,
    external: credential.external,
  });
  const fields = Object.freeze([...added, ...signature]);
  const sent = readRequest({ ...request, rawHeaders: [...request.rawHeaders, ...fields.flat()] });
  return new SignedRequest(fields, { message: sent, draft, nonce, signResponse });
}

/** 128 random bits, so that no two are the same ("The Protocol"). */
export function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/** What the profile asks for, and what the caller wants besides. */
export function withFurther(
  required: readonly ComponentLike[],
  further: readonly ComponentLike[] = [],
): readonly ComponentLike[] {
  return [...required, ...further.filter((component) => !required.includes(component))];
}

function audienceOf({ audience }: SignRequestOptions): string {
  if (typeof audience !== 'string' || audience === '') throw new TypeError('a signature needs an audience');
  return withoutQuery(audience);
}
