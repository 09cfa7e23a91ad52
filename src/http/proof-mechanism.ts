/**
 * How a workload proves itself in a request: by a Workload Proof Token (draft-ietf-wimse-wpt), or by an HTTP message
 * signature (draft-ietf-wimse-http-signature), which also binds method, target and body.
 */
export type ProofMechanism = 'wpt' | 'http-signature';

/** Which proofs stand in a request, whatever is in them and whether they are accepted. */
export interface PresentedProofs {
  /** By the field of each draft of the proof token. */
  readonly authorization: boolean;
  readonly workloadProofToken: boolean;
  readonly httpSignature: boolean;
}

/** draft-ietf-wimse-http-signature: the tag by which a signature is known to prove a WIT. */
const SIGNATURE_TAG = 'wimse-workload-to-workload';

export function presentedProofs(rawHeaders: readonly string[]): PresentedProofs {
  const presented = { authorization: false, workloadProofToken: false, httpSignature: false };
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1] ?? '';
    switch (rawHeaders[index]?.toLowerCase()) {
      case 'authorization':
        presented.authorization ||= /^[ \t]*wpt(?:[ \t]|$)/i.test(value);
        break;
      case 'workload-proof-token':
        presented.workloadProofToken = true;
        break;
      case 'signature-input':
        presented.httpSignature ||= value.includes(SIGNATURE_TAG);
        break;
    }
  }
  return presented;
}

export function hasProofToken({ authorization, workloadProofToken }: PresentedProofs): boolean {
  return authorization || workloadProofToken;
}

/**
 * The mechanism that a request is held to: the one that is accepted, or of two the one it presents. Both at once are
 * refused by either verifier; with none of them it is the proof token that is missing, because its drafts have a challenge
 * to answer with.
 */
export function mechanismFor(presented: PresentedProofs, accepted: readonly ProofMechanism[]): ProofMechanism {
  if (!accepted.includes('wpt')) return 'http-signature';
  return presented.httpSignature && accepted.includes('http-signature') ? 'http-signature' : 'wpt';
}
