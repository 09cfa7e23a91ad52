import { HttpSignatureError, WitError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { WitCredential, WitSvid } from '../wit/index.js';
import { type OpenCredential, openCredential, proofLife } from '../wit/wit-credential.js';

/** What signatures are made with. A credential that holds no WIT is misuse. */
export function credentialOf(svid: WitSvid | WitCredential): OpenCredential {
  try {
    return openCredential(svid, HttpSignatureError);
  } catch (cause) {
    if (!(cause instanceof WitError)) throw cause;
    throw new TypeError('the token of the credential is not a Workload Identity Token', { cause });
  }
}

/** `created` and `expires` of a new signature, never beyond the end of the WIT. */
export function lifeOf(
  credential: OpenCredential,
  lifetimeSeconds: number,
  clock: Clock,
): { readonly created: number; readonly expires: number } {
  return proofLife(credential, lifetimeSeconds, clock, HttpSignatureError);
}
