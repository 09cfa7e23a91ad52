import type { HttpSignatureDraft } from './drafts.js';
import type { ReadRequest } from './message.js';

/** One's own copy of a request, which its response is bound to. Holds tokens, and so is kept out of sight. */
export interface KeptRequest {
  readonly message: ReadRequest;
  readonly draft: HttpSignatureDraft;
  readonly nonce: string;
  readonly signResponse: boolean;
}

const kept = new WeakMap<object, KeptRequest>();

export function keepRequest(owner: object, request: KeptRequest): void {
  kept.set(owner, request);
}

/** The copy that belongs to what `signRequest`, `readSignedRequest` or `verifyRequest` gave. */
export function keptRequest(owner: object): KeptRequest {
  const request = typeof owner === 'object' && owner !== null ? kept.get(owner) : undefined;
  if (request === undefined) {
    throw new TypeError('request must be what signRequest(), readSignedRequest() or verifyRequest() gave');
  }
  return request;
}
