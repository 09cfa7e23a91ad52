import { HttpSignatureError } from '../errors/index.js';
import type { WorkloadId } from '../id/index.js';
import { type Fields, readFields } from '../internal/fields.js';
import type { JsonObject } from '../internal/json.js';
import { sameHash } from '../internal/token-hash.js';
import type { ReplayStore } from '../replay/index.js';
import { checkAuthorized, checkFirstUse, revealIdentity } from '../replay/proof-steps.js';
import type { UnprovenWit, WitContents } from '../wit/index.js';
import { checkBodyGiven, isBodylessResponse, verifyBody } from './body-rules.js';
import { readComponents } from './component.js';
import type { MessageBody } from './content-digest.js';
import {
  type CoveredParts,
  checkResponseCoverage,
  checkResponseFields,
  checkSameWit,
  coveredParts,
  identityTokenOf,
} from './coverage.js';
import type { HttpSignatureDraft } from './drafts.js';
import { keptRequest } from './kept-request.js';
import { readResponse } from './message.js';
import { baseOfReceived, type ReceivedSignature } from './message-signature.js';
import { checkProfileLife, findSignature, readProfileParameters, requiredText } from './profile-signature.js';
import { checkSignature, replayKey, SIGNATURE } from './proof-checks.js';
import type { SignedRequest } from './sign-request.js';
import type { VerifiedBody } from './verified-body.js';
import { checkOptions, type VerifySignatureOptions } from './verify-request.js';

/** A response that was received. */
export interface IncomingResponse {
  readonly status: number;
  /** Header names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** The body as it came, before any content coding was undone. `null` for none. */
  readonly body: MessageBody;
}

export interface ReadResponseWitOptions {
  /** What {@link signRequest} or {@link readSignedRequest} gave for the request. */
  readonly request: SignedRequest;
  /** Whether an unsigned response is refused. Default: whether the request asked for a signed one. */
  readonly required?: boolean | undefined;
}

export interface VerifyResponseOptions extends VerifySignatureOptions {
  /** What {@link signRequest} or {@link readSignedRequest} gave: what the response must be the answer to. */
  readonly request: SignedRequest;
  /**
   * Where used signatures are remembered. Default nowhere: a response is bound to the nonce of one request, so it can be
   * repeated only as an answer to that.
   */
  readonly replay?: ReplayStore | undefined;
}

/** What the proof of a response was. */
export interface HttpSignatureResponseProof {
  readonly kind: 'http-signature';
  readonly draft: HttpSignatureDraft;
  readonly nonce: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** The workload that has proven to have answered, with the body of its response. Holds no token. */
export interface ProvenResponse {
  readonly id: WorkloadId;
  /** All claims of the WIT, as they were signed. */
  readonly claims: JsonObject;
  readonly proof: HttpSignatureResponseProof;
  /** The RFC 7638 thumbprint of the key that made the signature. */
  readonly thumbprint: string;
  /** What of the response the signature binds to this workload; a decision must not rest on any other field. */
  readonly covered: CoveredParts;
  /** Use this body, and no other copy of it. */
  readonly body: VerifiedBody;
}

/**
 * The Workload Identity Token of a signed response, for `verifyWit`; `undefined` for an unsigned one where that will do.
 * A response that is signed must then be verified with {@link verifyResponse}, asked for or not.
 *
 * @throws `HttpSignatureError` `response_not_signed` when it had to be; `missing_wit` and others when the fields
 * of a signature are not in order.
 */
export function readResponseWit(rawHeaders: readonly string[], options: ReadResponseWitOptions): string | undefined {
  const { signResponse } = keptRequest(options.request);
  const fields = readFields(rawHeaders);
  if (options.required !== true && !signResponse && findSignature(fields) === undefined) return undefined;
  responseSignature(fields);
  return identityTokenOf(fields);
}

/**
 * Verifies the signature of a response with the key of its WIT, asks the authorizer whether that workload is the server
 * that was meant, and verifies the body (draft-ietf-wimse-http-signature, "Signing the Response"). Values of the request
 * come from one's own copy of it.
 *
 * @throws `HttpSignatureError` with the rule that refused; the signal's reason when it was aborted.
 */
export async function verifyResponse(
  response: IncomingResponse,
  wit: UnprovenWit,
  options: VerifyResponseOptions,
): Promise<ProvenResponse> {
  const { leeway, maxLifetime, clock } = checkOptions('verifyResponse', options);
  const request = keptRequest(options.request);
  const { status, rawHeaders } = response;
  const message = { ...readResponse({ status, rawHeaders }), request: request.message };
  checkBodyGiven(message.fields, response.body, isBodylessResponse(message));

  const received = responseSignature(message.fields);
  checkSameWit(message.fields, wit);
  checkResponseFields(message.fields);
  const parameters = readProfileParameters(received.input.parameters, ['wimse-aud', 'wimse-sign-response']);
  const requestNonce = requiredText(received.input.parameters, 'wimse-req-nonce', 256);
  const components = readComponents(received.input.items);
  checkResponseCoverage(components, message, request.draft);
  checkSignature(received, baseOfReceived(received, components, message), wit);
  const now = clock();
  checkProfileLife(parameters, now, leeway, maxLifetime);
  checkRequestNonce(requestNonce, request.nonce);
  const { id, claims } = revealIdentity<WitContents>(SIGNATURE, wit, now);
  checkAuthorized(SIGNATURE, options.authorize, id);
  const body = await verifyBody(message.fields, response.body, options);
  const { created, expires, nonce } = parameters;
  if (options.replay !== undefined) {
    checkProfileLife(parameters, clock(), leeway, maxLifetime);
    const entry = {
      key: replayKey('response', wit, nonce),
      sender: id.toString(),
      expiresAt: (expires + leeway) * 1000,
    };
    await checkFirstUse(SIGNATURE, options.replay, entry, options.signal);
  }

  const [createdAt, expiresAt] = [new Date(created * 1000), new Date(expires * 1000)];
  const proof = Object.freeze({ kind: 'http-signature' as const, draft: request.draft, nonce, createdAt, expiresAt });
  return Object.freeze({ id, claims, proof, thumbprint: wit.thumbprint, covered: coveredParts(components), body });
}

/** No signature, no response ("Signing the Response"). */
function responseSignature(fields: Fields): ReceivedSignature {
  const signature = findSignature(fields);
  if (signature !== undefined) return signature;
  throw new HttpSignatureError('response_not_signed', 'the response had to be signed, and is not');
}

/** Bound to the nonce of one's own request ("The `wimse-req-nonce` Signature Parameter"). */
function checkRequestNonce(received: string, own: string): void {
  if (!sameHash(own, received)) {
    throw new HttpSignatureError('req_nonce_mismatch', 'the response was made for another request');
  }
}
