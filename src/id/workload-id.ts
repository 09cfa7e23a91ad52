import { IdError } from '../errors/index.js';
import { quote } from '../internal/quote.js';
import { checkLength, readPath, splitScheme } from './read-id.js';
import { parseTrustDomain, TrustDomain, type TrustDomainLike } from './trust-domain.js';

/**
 * A workload identifier, of the `spiffe` or `wimse` scheme: immutable, compared byte for byte, never normalised
 * (draft-ietf-wimse-identifier-03). Made by {@link parseWorkloadId}. One of the `spiffe` scheme is always a
 * {@link SpiffeId}.
 */
export class WorkloadId {
  /** Scheme and authority: whose keys speak for this identifier. */
  readonly trustDomain: TrustDomain;
  /** Everything after the authority: empty, or beginning with `/`. */
  readonly path: string;

  /** @throws `IdError` when the path is not one of the scheme's paths; `wrong_scheme` for what must be a {@link SpiffeId}. */
  constructor(trustDomain: TrustDomain, path: string) {
    if (trustDomain.scheme === 'spiffe' && !(this instanceof SpiffeId)) {
      throw new IdError('wrong_scheme', `an identifier in ${trustDomain} must be a SpiffeId`);
    }
    this.trustDomain = trustDomain;
    this.path = readPath(trustDomain.scheme, path);
    checkLength(this.toString());
    Object.freeze(this);
  }

  /** Whether the other identifier has the same bytes. */
  equals(other: WorkloadId): boolean {
    return this.trustDomain.equals(other.trustDomain) && this.path === other.path;
  }

  /** The identifier as it was read, such as `spiffe://example.org/agents/planner`. */
  toString(): string {
    return `${this.trustDomain}${this.path}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A SPIFFE ID (SPIFFE-ID section 2). Made by {@link parseSpiffeId} or {@link spiffeId}. */
export class SpiffeId extends WorkloadId {
  /** @throws `IdError` when the trust domain is not a SPIFFE trust domain, or the path is not a SPIFFE path. */
  constructor(trustDomain: TrustDomain, path: string) {
    if (trustDomain.scheme !== 'spiffe') throw new IdError('wrong_scheme', `${trustDomain} is not spiffe://`);
    super(trustDomain, path);
  }
}

/** An identifier, or its text as {@link parseWorkloadId} reads it. */
export type WorkloadIdLike = WorkloadId | string;

/**
 * Reads an identifier of the `spiffe` scheme (giving a {@link SpiffeId}) or of the `wimse` scheme. Nothing is
 * normalised: upper-case scheme or trust domain, dot segments, empty segments, a trailing slash, userinfo, port, query
 * and fragment are refused. In `wimse` paths percent-encoding is accepted only where no shorter spelling exists. A
 * {@link WorkloadId} is returned as it is.
 *
 * @throws `IdError` with the rule that refused.
 */
export function parseWorkloadId(value: WorkloadIdLike): WorkloadId {
  if (value instanceof WorkloadId) return value;
  if (typeof value !== 'string') throw new TypeError('a workload identifier must be a string or a WorkloadId');
  const { scheme, rest } = splitScheme(value);
  const slash = rest.indexOf('/');
  const trustDomain = new TrustDomain(scheme, slash < 0 ? rest : rest.slice(0, slash));
  const path = slash < 0 ? '' : rest.slice(slash);
  return scheme === 'spiffe' ? new SpiffeId(trustDomain, path) : new WorkloadId(trustDomain, path);
}

/**
 * Reads a SPIFFE ID. An identifier without a path, which names the trust domain itself, is accepted here; verifiers of
 * workloads refuse it.
 *
 * @throws `IdError` with the rule that refused.
 */
export function parseSpiffeId(value: WorkloadIdLike): SpiffeId {
  const id = parseWorkloadId(value);
  if (!(id instanceof SpiffeId)) throw new IdError('wrong_scheme', `${quote(`${value}`)} must begin with spiffe://`);
  return id;
}

/**
 * Builds a SPIFFE ID from a trust domain and path segments: `spiffeId('example.org', 'agents', 'planner')`.
 *
 * @throws `IdError` when the trust domain or a segment holds what it must not; a segment cannot hold `/`.
 */
export function spiffeId(trustDomain: TrustDomainLike, ...segments: readonly string[]): SpiffeId {
  const domain = parseTrustDomain(trustDomain);
  for (const segment of segments) {
    if (segment.includes('/')) throw new IdError('bad_path', `segment ${quote(segment)} must not hold "/"`);
  }
  return new SpiffeId(domain, segments.map((segment) => `/${segment}`).join(''));
}
