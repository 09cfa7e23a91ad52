import { HttpSignatureError } from '../errors/index.js';
import type { Authorizer, WorkloadId } from '../id/index.js';
import { normalizeAudience } from '../internal/audience.js';
import { verifyJws } from '../internal/jws-algorithm.js';
import { tokenHash } from '../internal/token-hash.js';
import { revealProven } from '../internal/unproven.js';
import type { ReplayEntry, ReplayStore, ReplayVerdict } from '../replay/index.js';
import type { UnprovenWit, WitContents } from '../wit/index.js';
import type { ReceivedSignature } from './message-signature.js';

/** "The signature algorithm is specified in the `jwk` section of the `cnf` claim"; RFC 9421 section 3.3.7. */
export function checkSignature({ signature }: ReceivedSignature, base: Uint8Array, wit: UnprovenWit): void {
  if (!verifyJws(wit.alg, wit.confirmationKey, base, signature)) {
    throw new HttpSignatureError(
      'bad_signature',
      'the signature was not made with the key in the WIT over this message',
    );
  }
}

/** "The recipient MUST be able to verify that the audience refers to it." Gives the configured spelling. */
export function checkAudience(audience: string, expected: ReadonlyMap<string, string>): string {
  const match = expected.get(normalizeAudience(audience));
  if (match === undefined)
    throw new HttpSignatureError('wrong_audience', 'the signature was made for another audience');
  return match;
}

/** A WIT may expire between its verification and that of the signature. */
export function revealIdentity(wit: UnprovenWit, now: number): WitContents {
  const contents = revealProven<WitContents>(wit);
  if (!(now < contents.usableUntil)) {
    throw new HttpSignatureError('wit_expired', 'the Workload Identity Token has expired since it was verified');
  }
  return contents;
}

export function checkAuthorized(authorize: Authorizer, id: WorkloadId): void {
  let answer: unknown;
  try {
    answer = authorize(id);
  } catch (error) {
    throw new HttpSignatureError('not_authorized', `the authorizer threw about ${id}`, { cause: error });
  }
  if (answer === true) return;
  // An asynchronous authorizer is a mistake and admits nobody; its failure must not end the process as well.
  if (answer instanceof Promise) answer.catch(() => undefined);
  throw new HttpSignatureError('not_authorized', `${id} is not allowed here`);
}

/** The nonce "within the scope of a particular sender", kept apart from the `jti` of proof tokens. */
export function replayKey(direction: 'request' | 'response', wit: UnprovenWit, nonce: string): string {
  const scope = [`http-signature ${direction}`, wit.trustDomain.toString(), wit.thumbprint, nonce];
  return tokenHash(JSON.stringify(scope));
}

/** "Replay Protection"; last, so that only signatures that held are remembered. */
export async function checkFirstUse(
  replay: ReplayStore,
  entry: ReplayEntry,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  let verdict: ReplayVerdict;
  try {
    verdict = await replay.insert(entry, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    const message = 'the replay store failed, so the signature is refused';
    throw new HttpSignatureError('replay_store_failed', message, { cause: error });
  }
  switch (verdict) {
    case 'fresh':
      return;
    case 'replayed':
      throw new HttpSignatureError('replayed', 'the signature was used before');
    case 'sender_full':
    case 'full':
      throw new HttpSignatureError(
        'replay_store_full',
        'the replay store has no room for the signature, so it is refused',
      );
    default:
      throw new HttpSignatureError(
        'replay_store_failed',
        'the replay store gave no known answer, so the signature is refused',
      );
  }
}
