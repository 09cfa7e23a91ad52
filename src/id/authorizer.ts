import { parseTrustDomain, type TrustDomainLike } from './trust-domain.js';
import { parseWorkloadId, type WorkloadId, type WorkloadIdLike } from './workload-id.js';

/**
 * Decides whether a verified identifier may proceed. Any function will do; it must answer `true` and nothing else to
 * admit. Every verifier asks it last, and a throw counts as a refusal.
 */
export type Authorizer = (id: WorkloadId) => boolean;

/** Admits one identifier, compared byte for byte. */
export function exactly(id: WorkloadIdLike): Authorizer {
  const expected = parseWorkloadId(id);
  return (candidate) => expected.equals(candidate);
}

/** Admits the listed identifiers, each compared byte for byte. An empty list is a `TypeError`. */
export function oneOf(ids: Iterable<WorkloadIdLike>): Authorizer {
  if (typeof ids === 'string') throw new TypeError('oneOf() takes a list of identifiers; use exactly() for one');
  const expected = new Set(Array.from(ids, (id) => parseWorkloadId(id).toString()));
  if (expected.size === 0) throw new TypeError('oneOf() needs at least one identifier');
  return (candidate) => expected.has(candidate.toString());
}

/** Admits every workload of a trust domain; a bare name means the SPIFFE trust domain of that name. */
export function memberOf(trustDomain: TrustDomainLike): Authorizer {
  const expected = parseTrustDomain(trustDomain);
  return (candidate) => expected.equals(candidate.trustDomain);
}

/**
 * Admits the identifiers below a path, by whole segments: `under('spiffe://example.org/agents')` admits
 * `spiffe://example.org/agents/planner`, neither `spiffe://example.org/agents` itself nor
 * `spiffe://example.org/agents-old/x`. The prefix must have a path; for a whole trust domain use {@link memberOf}.
 */
export function under(prefix: WorkloadIdLike): Authorizer {
  const expected = parseWorkloadId(prefix);
  if (expected.path === '') throw new TypeError('under() needs a path; use memberOf() for a whole trust domain');
  const start = `${expected}/`;
  return (candidate) => candidate.toString().startsWith(start);
}

/** Admits every identifier that verification accepted, from whichever trust domain bundles are held for. */
export function anyId(): Authorizer {
  return () => true;
}
