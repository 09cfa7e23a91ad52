import type { X509BundleSource } from '../bundle/index.js';
import type { WorkloadId } from '../id/index.js';
import type { Certificate } from '../internal/certificate.js';
import type { Clock } from '../internal/clock.js';

export type X509Profile = 'spiffe' | 'wimse';
export type X509Purpose = 'client' | 'server';

export interface VerifyX509SvidOptions {
  readonly clock?: Clock | undefined;
  readonly profile?: X509Profile | undefined;
  readonly purpose?: X509Purpose | undefined;
  readonly leewaySeconds?: number | undefined;
}

export interface VerifiedX509Svid {
  readonly id: WorkloadId;
  readonly leaf: Certificate;
  /** From the leaf to the authority of the bundle. */
  readonly path: readonly Certificate[];
  /** The earliest end of validity on the path. */
  readonly expiresAt: Date;
}

export declare function verifyX509Svid(
  certificates: readonly (Uint8Array | Certificate)[],
  bundles: X509BundleSource,
  options?: VerifyX509SvidOptions,
): VerifiedX509Svid;

export declare function decodeX509SvidIdUnverified(certificate: Uint8Array | Certificate): WorkloadId;
