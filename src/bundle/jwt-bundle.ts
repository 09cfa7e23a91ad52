import type { TrustDomainLike } from '../id/index.js';
import { KeyBundle, type ParseKeyBundleOptions } from './key-bundle.js';

export class JwtBundle extends KeyBundle {
  readonly use = 'jwt-svid' as const;
}

export function parseJwtBundle(
  trustDomain: TrustDomainLike,
  jwks: string | Uint8Array,
  options: ParseKeyBundleOptions = {},
): JwtBundle {
  throw new TypeError(`${trustDomain}${jwks}${options}`);
}
