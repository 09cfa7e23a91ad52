import type { WitBundleSource } from '../bundle/index.js';
import { HttpSignatureError, RequestAuthenticationError } from '../errors/index.js';
import { type MessageBody, type ProvenRequest, readRequestWit, verifyRequest } from '../http-signature/index.js';
import { type VerifyWitOptions, verifyWit } from '../wit/index.js';
import { readWptRequest, verifyWpt } from '../wpt/index.js';
import { type ProofMechanism, presentedProofs } from './proof-mechanism.js';
import { withoutPseudoFields } from './pseudo-fields.js';
import type { RequestAuthenticatorOptions, SignatureCaller, WptCaller } from './request-authenticator.js';
import { boundedBody } from './request-body.js';

/** What a proof is held to that is not the same for every request. */
interface Expectations {
  readonly audiences: readonly string[];
  readonly signal: AbortSignal | undefined;
}

export type ProofTokenVerifier = (rawHeaders: readonly string[], expected: Expectations) => Promise<WptCaller>;

/** Workload Proof Tokens (draft-ietf-wimse-wpt). */
export function createProofTokenVerifier(
  options: RequestAuthenticatorOptions<ProofMechanism>,
  reading: Parameters<typeof readWptRequest>[1],
): ProofTokenVerifier {
  const { bundles, ofWit, ofProof } = settingsOf(options);
  const { allowMultipleAudiences } = options;
  return async (rawHeaders, expected) => {
    const presented = readWptRequest(rawHeaders, reading);
    const wit = await verifyWit(presented.wit, bundles, ofWit);
    return verifyWpt(presented, wit, { ...ofProof, allowMultipleAudiences, ...expected });
  };
}

/** A request with what its signature covers. */
export interface SignedRequestParts {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** What our own listener knows of it. */
  readonly scheme: 'https' | undefined;
  readonly body: MessageBody;
}

export type SignatureVerifier = (request: SignedRequestParts, expected: Expectations) => Promise<SignatureCaller>;

/** HTTP message signatures (draft-ietf-wimse-http-signature), and the bodies that they cover. */
export function createSignatureVerifier(
  options: RequestAuthenticatorOptions<ProofMechanism>,
  drafts: NonNullable<RequestAuthenticatorOptions['signatureDrafts']>,
): SignatureVerifier {
  const { bundles, ofWit, ofProof } = settingsOf(options);
  const { otherTokens, maxBodyBytes: maxBufferedBytes = 1_048_576 } = options;
  return async (request, expected) => {
    if (!presentedProofs(request.rawHeaders).httpSignature) {
      throw new HttpSignatureError('missing_signature', 'the request has no WIMSE signature');
    }
    const { rawHeaders, authority } = withoutPseudoFields(request.rawHeaders);
    checkOneAuthority(rawHeaders, authority);
    const wit = await verifyWit(readRequestWit(rawHeaders), bundles, ofWit);
    const body = boundedBody(request.body, maxBufferedBytes, bodyTooLarge);
    const choices = { ...ofProof, ...expected, drafts, otherTokens, maxBufferedBytes };
    return wholeBody(await verifyRequest({ ...request, rawHeaders, authority, body }, wit, choices));
  };
}

function settingsOf(options: RequestAuthenticatorOptions<ProofMechanism>): {
  readonly bundles: WitBundleSource;
  readonly ofWit: VerifyWitOptions;
  readonly ofProof: Pick<
    Parameters<typeof verifyRequest>[2],
    'authorize' | 'replay' | 'verifySubjectToken' | 'leewaySeconds' | 'maxLifetimeSeconds' | 'clock'
  >;
} {
  const { bundles, authorize, replay, verifySubjectToken, clock } = options;
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
    verifySubjectToken,
    leewaySeconds: options.proofLeewaySeconds,
    maxLifetimeSeconds: options.proofMaxLifetimeSeconds,
  };
  return { bundles, ofWit, ofProof };
}

/** RFC 9113 section 8.3.1: a signature covers `:authority` as the one, and an application may look at the other. */
function checkOneAuthority(rawHeaders: readonly string[], authority: string | undefined): void {
  if (authority === undefined) return;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'host') continue;
    if (rawHeaders[index + 1]?.toLowerCase() === authority.toLowerCase()) continue;
    throw new HttpSignatureError('bad_header', 'Host is another than :authority');
  }
}

function wholeBody(proven: ProvenRequest): SignatureCaller {
  // The very object that was given, because the signature of its response is made for it.
  if (hasWholeBody(proven)) return proven;
  throw bodyTooLarge();
}

function hasWholeBody(proven: ProvenRequest): proven is SignatureCaller {
  return proven.body.state === 'verified';
}

function bodyTooLarge(): RequestAuthenticationError {
  const message = 'the body is longer than may be held until it is verified';
  return new RequestAuthenticationError('body_too_large', message, { status: 413 });
}
