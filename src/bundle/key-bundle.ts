import type { KeyObject } from 'node:crypto';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import type { PublicKeyJwk } from '../internal/jwk.js';

export interface BundleKey {
  readonly kid: string | undefined;
  readonly publicKey: PublicKeyJwk;
}
export interface BundleKeyInit {
  readonly kid?: string | undefined;
  readonly key: KeyObject | object;
}
export interface JwkSet {
  readonly keys: readonly object[];
}
export interface ParseKeyBundleOptions {
  readonly requireUse?: boolean | undefined;
}

export abstract class KeyBundle {
  readonly trustDomain: TrustDomain;
  readonly keys: readonly BundleKey[] = [];
  constructor(trustDomain: TrustDomainLike, _keys: Iterable<BundleKey | BundleKeyInit>) {
    this.trustDomain = parseTrustDomain(trustDomain);
  }
  candidates(kid: string | undefined): readonly BundleKey[] {
    return kid ? [] : this.keys;
  }
  equals(other: this): boolean {
    return other === this;
  }
  toJwks(): JwkSet {
    return { keys: [] };
  }
}
