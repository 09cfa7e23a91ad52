import { WorkloadApiError } from '../errors/index.js';
import { HeldCertificateLists } from '../internal/held-certificate-lists.js';
import type { CertificateRevocationList } from '../x509-svid/index.js';
import type { DeliveredBundles } from './delivered.js';

/** A delivery with its revocation lists, read. */
export interface WithCrls<T> {
  readonly delivery: T;
  readonly crls: readonly CertificateRevocationList[];
  /** Why lists were left out of `crls`. */
  readonly refusedCrls: readonly WorkloadApiError[];
}

/** Gives a reader for the deliveries of one stream: it holds on to lists where a later one cannot be read. */
export function crlReader<T extends DeliveredBundles>(): (delivery: T) => WithCrls<T> {
  const held = new HeldCertificateLists();
  return (delivery) => {
    const { lists, refused } = held.read(delivery.crls);
    const refusedCrls = refused.map((cause) => {
      return new WorkloadApiError('bad_crl', `a revocation list was delivered that is not used: ${cause.message}`, {
        cause,
      });
    });
    return { delivery, crls: lists, refusedCrls };
  };
}
