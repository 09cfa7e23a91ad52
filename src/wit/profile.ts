import { WitError } from '../errors/index.js';
import type { WorkloadId } from '../id/index.js';
import { ASYMMETRIC_ALGORITHMS, type JwsAlgorithm, SPIFFE_ALGORITHMS } from '../internal/jws-algorithm.js';

/**
 * Whose rules a Workload Identity Token follows: those of draft-ietf-wimse-workload-creds (`wimse`), or the narrower
 * ones of WIT-SVID (`spiffe`). Every token of the `spiffe` profile is one of the `wimse` profile as well.
 */
export type WitProfile = 'wimse' | 'spiffe';

/** What the two documents say differently. */
export interface WitProfileRules {
  readonly name: WitProfile;
  /** For the signature and for `cnf.jwk.alg`. */
  readonly algorithms: ReadonlySet<JwsAlgorithm>;
  readonly kidRequired: boolean;
  readonly isType: (typ: string) => boolean;
  readonly audAllowed: boolean;
}

const WIT_PROFILES: Readonly<Record<WitProfile, WitProfileRules>> = {
  /** draft-ietf-wimse-workload-creds-02; `application/` may be left out or not (RFC 7515 section 4.1.9). */
  wimse: {
    name: 'wimse',
    algorithms: ASYMMETRIC_ALGORITHMS,
    kidRequired: false,
    isType: (typ) => /^(?:application\/)?wit\+jwt$/i.test(typ),
    audAllowed: true,
  },
  /** WIT-SVID sections 2.1, 2.2, 2.3, 3.2 and 3.8. */
  spiffe: {
    name: 'spiffe',
    algorithms: SPIFFE_ALGORITHMS,
    kidRequired: true,
    isType: (typ) => typ === 'wit+jwt',
    audAllowed: false,
  },
};

/** The profiles that a caller lists; anything else in the list, or an empty list, is misuse. */
export function listedProfiles(profiles: readonly WitProfile[]): ReadonlySet<WitProfile> {
  const listed = new Set(profiles);
  if (listed.size === 0) throw new TypeError('profiles must list at least one of spiffe and wimse');
  for (const name of listed) {
    if (name !== 'spiffe' && name !== 'wimse') throw new TypeError('profiles must be of spiffe and wimse');
  }
  return listed;
}

/** The widest of the listed profiles, for what is checked before the subject is known. */
export function widestOf(listed: ReadonlySet<WitProfile>): WitProfileRules {
  return listed.has('wimse') ? WIT_PROFILES.wimse : WIT_PROFILES.spiffe;
}

/** The narrowest listed profile for this subject: `spiffe` for a SPIFFE ID where it is listed, else `wimse`. */
export function profileFor(id: WorkloadId, listed: ReadonlySet<WitProfile>): WitProfileRules {
  if (id.trustDomain.scheme === 'spiffe' && listed.has('spiffe')) return WIT_PROFILES.spiffe;
  if (listed.has('wimse')) return WIT_PROFILES.wimse;
  throw new WitError('bad_sub', 'sub is not a SPIFFE ID, as WIT-SVID section 3.1 asks');
}
