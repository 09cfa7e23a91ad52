import { X509SvidError } from '../errors/index.js';
import { type CertificateRevocationList, readCertificateList } from '../internal/certificate-list.js';
import { asRoomError } from '../internal/room-error.js';

/** Where the revocation lists to apply come from. Any object with this method will do. */
export interface X509CrlSource {
  /**
   * The lists of all CAs that are known of now, asked anew for every connection and every further request on one.
   * Nothing is verified again while it gives the same lists, so it must not read them anew each time. Where it throws,
   * every peer is refused.
   */
  getX509Crls(): readonly CertificateRevocationList[];
}

/**
 * Reads a certificate revocation list in DER, for the option `crls` of `verifyX509Svid`. Only complete CRLs of version
 * 2 with a nextUpdate and of at most 4 MiB are read (RFC 5280 section 5). Reading does not verify: a list counts when
 * the key of the CA on a path has signed it. It takes about a millisecond for a thousand entries, so read each list
 * once and keep it, not once for each connection.
 *
 * A list that cannot be read throws, and it is for the caller to decide whether verification goes on without it; with
 * `revocation: 'required'` it then refuses. The sources that follow lists, which are an {@link X509CrlSource}, go on
 * with those they could read before.
 *
 * @throws `X509SvidError` `bad_crl`, `unsupported_crl`, `unsupported_algorithm`, `bad_der` or `too_large`.
 */
export function parseCertificateList(der: Uint8Array): CertificateRevocationList {
  if (!(der instanceof Uint8Array)) throw new TypeError('a revocation list must be DER in a Uint8Array');
  return asRoomError(X509SvidError, () => readCertificateList(der));
}
