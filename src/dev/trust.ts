import { BundleSet, type SpiffeBundle } from '../bundle/index.js';

/** Every bundle that is served at one time: the issuer's own and those it federates with. Immutable. */
export interface Trust {
  readonly own: SpiffeBundle;
  /** In the order in which they were added. */
  readonly federated: readonly SpiffeBundle[];
  /** The same, for verifiers. */
  readonly bundles: BundleSet;
}

export function createTrust(own: SpiffeBundle, federated: readonly SpiffeBundle[]): Trust {
  return { own, federated, bundles: new BundleSet([own, ...federated]) };
}
