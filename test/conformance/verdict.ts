import { isSvidkitError, WitError } from 'svidkit/errors';
import { REASONS } from '../../scripts/conformance/reasons.js';
import type { Refused } from '../../scripts/conformance/vectors.js';

const reasonOf = new Map(
  Object.entries(REASONS).flatMap(([reason, { svidkit }]) => svidkit.map((code) => [code as string, reason] as const)),
);

/** What svidkit says about a case, in the words of the suite. Anything but a refusal comes through. */
export async function verdictOf<A>(verify: () => Promise<A>): Promise<A | Refused> {
  try {
    return await verify();
  } catch (error) {
    if (!isSvidkitError(error)) throw error;
    const code = `${error.name}.${error.code}`;
    const reason = reasonOf.get(code) ?? `(no reason is listed for ${code})`;
    return { verdict: 'refuse', part: error instanceof WitError ? 'wit' : 'proof', reason } as Refused;
  }
}
