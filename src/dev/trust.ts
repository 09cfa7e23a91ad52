import { BundleSet, type SpiffeBundle } from '../bundle/index.js';
import type { Issuer } from '../issuer/index.js';
import type { CertificateRevocationList } from '../x509-svid/index.js';

/** Every bundle that is served at one time, the issuer's own and those it federates with, and the lists. Immutable. */
export interface Trust {
  readonly own: SpiffeBundle;
  /** In the order in which they were added. */
  readonly federated: readonly SpiffeBundle[];
  /** The same, for verifiers. */
  readonly bundles: BundleSet;
  /** The issuer's revocation lists. */
  readonly crls: readonly CertificateRevocationList[];
}

export function createTrust(issuer: Issuer, federated: readonly SpiffeBundle[]): Trust {
  const own = issuer.bundle;
  return { own, federated, bundles: new BundleSet([own, ...federated]), crls: issuer.getX509Crls() };
}
