import type { TrustDomain, TrustDomainLike } from '../id/index.js';
import type { Certificate } from '../internal/certificate.js';

/** Where a verifier finds the X.509 authorities of a trust domain. Any object with this method will do. */
export interface X509BundleSource {
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined;
}

export declare class X509Bundle {
  readonly trustDomain: TrustDomain;
  readonly authorities: readonly Certificate[];
  constructor(trustDomain: TrustDomainLike, authorities: Iterable<Certificate>);
  equals(other: X509Bundle): boolean;
  toPem(): string;
  toDer(): Uint8Array<ArrayBuffer>;
}

export declare function parseX509Bundle(trustDomain: TrustDomainLike, der: Uint8Array): X509Bundle;
export declare function parseX509BundlePem(trustDomain: TrustDomainLike, pem: string): X509Bundle;
