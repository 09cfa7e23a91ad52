import { BundleError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import { Certificate, parseCertificate, parseCertificates } from '../internal/certificate.js';
import { decodePem } from '../internal/pem.js';
import { quote } from '../internal/quote.js';
import { ReadError } from '../internal/read-error.js';
import { asRoomError } from '../internal/room-error.js';

/**
 * The X.509 authorities of one trust domain: the only trust anchors for its X.509-SVIDs (X509-SVID section 5.1).
 * Immutable. May be empty: then no SVID of the trust domain is accepted.
 */
export class X509Bundle {
  readonly trustDomain: TrustDomain;
  /** In the order given, without repetitions. */
  readonly authorities: readonly Certificate[];

  /**
   * Authorities need not be self-signed. One whose key is of a type or curve that svidkit does not know is left out,
   * so that a domain may publish a new kind of key before everybody can use it.
   *
   * @throws `BundleError` `not_a_ca` for a certificate that may not sign others; `weak_key`, `malformed_key` or
   * `bad_der` for one whose key must not be used.
   */
  constructor(trustDomain: TrustDomainLike, authorities: Iterable<Certificate>) {
    this.trustDomain = parseTrustDomain(trustDomain);
    const distinct = new Map<string, Certificate>();
    for (const authority of authorities) {
      if (!(authority instanceof Certificate)) throw new TypeError('an authority must be a Certificate');
      if (hasUsableKey(checkAuthority(authority))) distinct.set(authority.fingerprint256, authority);
    }
    this.authorities = Object.freeze([...distinct.values()]);
    Object.freeze(this);
  }

  /** Whether the other bundle is of the same trust domain and has the same authorities, in whatever order. */
  equals(other: X509Bundle): boolean {
    if (!this.trustDomain.equals(other.trustDomain) || this.authorities.length !== other.authorities.length)
      return false;
    const theirs = new Set(other.authorities.map((authority) => authority.fingerprint256));
    return this.authorities.every((authority) => theirs.has(authority.fingerprint256));
  }

  /** One PEM block for each authority. */
  toPem(): string {
    return this.authorities.map((authority) => authority.toPem()).join('');
  }

  /** The authorities in DER one after the other, as the Workload API carries them. */
  toDer(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(Buffer.concat(this.authorities.map((authority) => authority.der)));
  }
}

/**
 * Reads a bundle from certificates in DER that follow one another (SPIFFE Workload API section 5.2.2). No bytes are an
 * empty bundle.
 *
 * @throws `BundleError` `bad_der`, `too_large` or `bad_certificate` for bytes that are not certificates, and as
 * the constructor of {@link X509Bundle}.
 */
export function parseX509Bundle(trustDomain: TrustDomainLike, der: Uint8Array): X509Bundle {
  if (!(der instanceof Uint8Array)) throw new TypeError('a bundle in DER must be a Uint8Array');
  return new X509Bundle(
    trustDomain,
    asRoomError(BundleError, () => parseCertificates(der)),
  );
}

/**
 * Reads a bundle from PEM blocks labelled CERTIFICATE; text between them is skipped, and a text of white space is an
 * empty bundle.
 *
 * @throws `BundleError` `bad_pem` for a malformed text or a block with another label, and as
 * {@link parseX509Bundle}.
 */
export function parseX509BundlePem(trustDomain: TrustDomainLike, pem: string): X509Bundle {
  if (typeof pem !== 'string') throw new TypeError('a bundle in PEM must be a string');
  const authorities = asRoomError(BundleError, () =>
    decodePem(pem).map(({ label, der }) => {
      if (label !== 'CERTIFICATE') {
        throw new ReadError('bad_pem', `a bundle holds certificates alone, here is a block labelled ${quote(label)}`);
      }
      return parseCertificate(der);
    }),
  );
  return new X509Bundle(trustDomain, authorities);
}

/** X509-SVID section 3.2; a root without key usage may sign whatever it wants to (RFC 5280 section 6.1.4 (n)). */
function checkAuthority(authority: Certificate): Certificate {
  if (!authority.isCa || authority.keyUsage?.has('keyCertSign') === false) {
    const subject = quote(authority.subject);
    throw new BundleError('not_a_ca', `the authority ${subject} is not a CA certificate that may sign certificates`);
  }
  return authority;
}

function hasUsableKey(authority: Certificate): boolean {
  try {
    return asRoomError(BundleError, () => authority.publicKey.type === 'public');
  } catch (error) {
    if (error instanceof BundleError && error.code === 'unsupported_key') return false;
    throw error;
  }
}
