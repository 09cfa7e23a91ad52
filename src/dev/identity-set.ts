import type { Issuer } from '../issuer/index.js';
import type { WitSvid } from '../wit/index.js';
import { verifyWit } from '../wit/index.js';
import { verifyX509Svid, type X509Svid } from '../x509-svid/index.js';
import type { CheckedIdentity } from './dev-identity.js';
import type { Trust } from './trust.js';

/** The credentials of a workload at one time: replaced whole, never in part. The order is that of the identities. */
export interface IdentitySet {
  readonly x509: readonly X509Svid[];
  /** Empty where the WIT-SVID profile is not served. */
  readonly wit: readonly WitSvid[];
  /** When the first of them expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** How credentials are made. */
export interface IdentitySetInit {
  readonly issuer: Issuer;
  readonly wit: boolean;
  readonly ttlSeconds: { readonly x509: number | undefined; readonly wit: number | undefined };
}

/** Issues an X.509-SVID and, where the profile is served, a WIT-SVID for every identity, each with a fresh key. */
export async function issueIdentitySet(
  identities: readonly CheckedIdentity[],
  { issuer, wit, ttlSeconds }: IdentitySetInit,
): Promise<IdentitySet> {
  const issueX509 = ({ id, hint, dnsNames }: CheckedIdentity): Promise<X509Svid> =>
    issuer.issueX509Svid(id, { hint, dnsNames, ttlSeconds: ttlSeconds.x509 });
  const issueWit = ({ id, hint }: CheckedIdentity): Promise<WitSvid> =>
    issuer.issueWitSvid(id, { hint, ttlSeconds: ttlSeconds.wit });
  const [x509, wits] = await Promise.all([
    Promise.all(identities.map(issueX509)),
    Promise.all(wit ? identities.map(issueWit) : []),
  ]);
  const expiresAt = Math.min(...[...x509, ...wits].map((svid) => svid.expiresAt.getTime()));
  return { x509, wit: wits, expiresAt };
}

/** Whether every credential still verifies, which ends when it is revoked, or its authority. */
export async function stillVerifies(set: IdentitySet, trust: Trust, now: number): Promise<boolean> {
  const clock = (): number => now;
  try {
    for (const svid of set.x509) verifyX509Svid(svid.certificates, trust.bundles, { clock, crls: trust.crls });
    for (const svid of set.wit) await verifyWit(svid.token, trust.bundles, { clock });
    return true;
  } catch {
    return false;
  }
}
