import type { Authorizer, WorkloadId } from '../id/index.js';
import { normalizeAudience } from '../internal/audience.js';
import type { RoomErrorClass } from '../internal/room-error.js';
import { revealProven } from '../internal/unproven.js';
import type { ReplayEntry, ReplayStore, ReplayVerdict } from './replay-store.js';

/** The rules that every proof of possession is held to after its own, whatever carries it. */
type ProofRule =
  | 'wrong_audience'
  | 'wit_expired'
  | 'subject_token_refused'
  | 'not_authorized'
  | 'replayed'
  | 'replay_store_full'
  | 'replay_store_failed';

/** Whose error a refusal is, and what it calls the proof. */
export interface ProofRoom {
  readonly Refusal: RoomErrorClass<ProofRule>;
  readonly noun: 'proof' | 'signature';
}

/** The audiences that a verifier is configured with: normalised to the configured spelling. None is misuse. */
export function expectedAudiences(audiences: string | readonly string[], caller: string): ReadonlyMap<string, string> {
  const list: readonly string[] = typeof audiences === 'string' ? [audiences] : audiences;
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => typeof item === 'string' && item !== '')) {
    throw new TypeError(`${caller}() needs the audiences it answers to`);
  }
  return new Map(list.map((audience: string) => [normalizeAudience(audience), audience]));
}

/** Expected values come from configuration. Gives the configured spelling of the first audience that is expected. */
export function checkAudience(
  { Refusal, noun }: ProofRoom,
  audiences: readonly string[],
  expected: ReadonlyMap<string, string>,
): string {
  for (const audience of audiences) {
    const match = expected.get(normalizeAudience(audience));
    if (match !== undefined) return match;
  }
  throw new Refusal('wrong_audience', `the ${noun} was made for another audience`);
}

/** The key proves nothing after the end of its WIT, which may come between two verifications. */
export function revealIdentity<Contents extends { readonly usableUntil: number }>(
  { Refusal }: ProofRoom,
  wit: object,
  now: number,
): Contents {
  const contents = revealProven<Contents>(wit);
  if (!(now < contents.usableUntil)) {
    throw new Refusal('wit_expired', 'the Workload Identity Token has expired since it was verified');
  }
  return contents;
}

export function checkAuthorized({ Refusal }: ProofRoom, authorize: Authorizer, id: WorkloadId): void {
  let answer: unknown;
  try {
    answer = authorize(id);
  } catch (error) {
    throw new Refusal('not_authorized', `the authorizer threw about ${id}`, { cause: error });
  }
  if (answer === true) return;
  // An asynchronous authorizer is a mistake and admits nobody; its failure must not end the process as well.
  if (answer instanceof Promise) answer.catch(() => undefined);
  throw new Refusal('not_authorized', `${id} is not allowed here`);
}

/** Last, so that only proofs that held are remembered. */
export async function checkFirstUse(
  { Refusal, noun }: ProofRoom,
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
    const message = `the replay store failed, so the ${noun} is refused`;
    throw new Refusal('replay_store_failed', message, { cause: error });
  }
  switch (verdict) {
    case 'fresh':
      return;
    case 'replayed':
      throw new Refusal('replayed', `the ${noun} was used before`);
    case 'sender_full':
    case 'full':
      throw new Refusal('replay_store_full', `the replay store has no room for the ${noun}, so it is refused`);
    default:
      throw new Refusal('replay_store_failed', `the replay store gave no known answer, so the ${noun} is refused`);
  }
}
