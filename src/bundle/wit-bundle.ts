import type { TrustDomainLike } from '../id/index.js';
import { KeyBundle, type ParseKeyBundleOptions } from './key-bundle.js';

export class WitBundle extends KeyBundle {
  readonly use = 'wit-svid' as const;
}

export function parseWitBundle(
  trustDomain: TrustDomainLike,
  jwks: string | Uint8Array,
  options: ParseKeyBundleOptions = {},
): WitBundle {
  throw new TypeError(`${trustDomain}${jwks}${options}`);
}
