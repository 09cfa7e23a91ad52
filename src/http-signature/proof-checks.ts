import { HttpSignatureError } from '../errors/index.js';
import { verifyJws } from '../internal/jws-algorithm.js';
import { tokenHash } from '../internal/token-hash.js';
import type { ProofRoom } from '../replay/proof-steps.js';
import type { UnprovenWit } from '../wit/index.js';
import type { ReceivedSignature } from './message-signature.js';

export const SIGNATURE: ProofRoom = { Refusal: HttpSignatureError, noun: 'signature' };

/** The algorithm is that of the key in the WIT and of nothing else (RFC 9421 section 3.3.7). */
export function checkSignature({ signature }: ReceivedSignature, base: Uint8Array, wit: UnprovenWit): void {
  if (!verifyJws(wit.alg, wit.confirmationKey, base, signature)) {
    throw new HttpSignatureError(
      'bad_signature',
      'the signature was not made with the key in the WIT over this message',
    );
  }
}

/** A nonce counts for one sender and one direction, and apart from the `jti` of proof tokens. */
export function replayKey(direction: 'request' | 'response', wit: UnprovenWit, nonce: string): string {
  const scope = [`http-signature ${direction}`, wit.trustDomain.toString(), wit.thumbprint, nonce];
  return tokenHash(JSON.stringify(scope));
}
