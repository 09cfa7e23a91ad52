import { DevError } from '../errors/index.js';
import { parseSpiffeId, type SpiffeId, type WorkloadIdLike } from '../id/index.js';
import { quote } from '../internal/quote.js';

/** One identity that a workload is entitled to. */
export interface DevIdentity {
  /** The SPIFFE ID, in the trust domain of the endpoint's issuer. */
  readonly id: WorkloadIdLike;
  /** What the identity is for, as an operator would note it; at most 1024 bytes, and no two the same. Default: none. */
  readonly hint?: string | undefined;
  /** DNS names in its X.509-SVID. Default: none. */
  readonly dnsNames?: readonly string[] | undefined;
}

/** An identity that was looked at. */
export interface CheckedIdentity {
  readonly id: SpiffeId;
  readonly hint: string | undefined;
  readonly dnsNames: readonly string[];
}

/**
 * Reads the identities of a workload, the default one first.
 *
 * @throws `DevError` `bad_hint`.
 * @throws `IdError` for an identifier that is not a SPIFFE ID.
 * @throws `TypeError` for an empty list.
 */
export function checkIdentities(identities: string | readonly DevIdentity[]): readonly CheckedIdentity[] {
  const list = typeof identities === 'string' ? [{ id: identities }] : identities;
  if (list.length === 0) throw new TypeError('a workload needs at least one identity; withdraw() takes all of them');
  const hints = new Set<string>();
  return list.map(({ id, hint, dnsNames = [] }: DevIdentity) => {
    if (hint !== undefined && hint !== '') checkHint(hint, hints);
    return { id: parseSpiffeId(id), hint, dnsNames: [...dnsNames] };
  });
}

const MAX_HINT_BYTES = 1024;

/** Workload API sections 5.2.1 (unique) and 8 (length). */
function checkHint(hint: string, seen: Set<string>): void {
  if (Buffer.byteLength(hint) > MAX_HINT_BYTES) {
    throw new DevError('bad_hint', `a hint has at most ${MAX_HINT_BYTES} bytes`);
  }
  if (seen.has(hint)) throw new DevError('bad_hint', `two identities of one workload have the hint ${quote(hint)}`);
  seen.add(hint);
}
