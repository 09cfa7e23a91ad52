import { parseSpiffeId, type SpiffeId, type WorkloadIdLike } from '../id/index.js';

/** What a JWT-SVID is wanted for. */
export interface JwtSvidRequest {
  /** Who will receive the token: one audience or several, none of them empty. Order and repetition do not matter. */
  readonly audience: string | readonly string[];
  /** The SPIFFE ID wanted, of those this workload has. Default: all of them. */
  readonly id?: WorkloadIdLike | undefined;
}

/** A request in its canonical form: what is asked for does not depend on the order of writing it. */
export interface JwtSvidQuery {
  /** Sorted, without repetition, not empty. */
  readonly audience: readonly string[];
  readonly id: SpiffeId | undefined;
}

/** @throws IdError for an identifier that is none; an audience that is missing or empty is a `TypeError`. */
export function jwtSvidQuery(request: JwtSvidRequest): JwtSvidQuery {
  const listed = typeof request.audience === 'string' ? [request.audience] : [...request.audience];
  if (listed.length === 0) throw new TypeError('a JWT-SVID needs at least one audience');
  for (const audience of listed) {
    if (typeof audience !== 'string' || audience === '') throw new TypeError('an audience must be a non-empty string');
  }
  const id = request.id === undefined ? undefined : parseSpiffeId(request.id);
  return { audience: [...new Set(listed)].sort(), id };
}

/** The same text for the same request, and for no other. */
export function queryKey(query: JwtSvidQuery): string {
  return JSON.stringify([query.id?.toString() ?? null, query.audience]);
}
