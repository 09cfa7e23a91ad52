import { BundleError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import { Certificate, parseCertificate, parseCertificates } from '../internal/certificate.js';
import { decodePem } from '../internal/pem.js';
import { quote } from '../internal/quote.js';
import { ReadError } from '../internal/read-error.js';
import { asRoomError } from '../internal/room-error.js';
import { frozenKeys, type IgnoredKey, readOrIgnore } from './ignored-key.js';

/**
 * The X.509 authorities of one trust domain: the only trust anchors for its X.509-SVIDs (X509-SVID section 5.1).
 * Immutable. May be empty, also because every authority was ignored: then no SVID of the trust domain is accepted.
 */
export class X509Bundle {
  readonly trustDomain: TrustDomain;
  /** In the order given, without repetitions. */
  readonly authorities: readonly Certificate[];
  /** The authorities that were published and count for nothing, each with the rule that its key breaks. */
  readonly ignored: readonly IgnoredKey[];

  /**
   * Authorities need not be self-signed. One whose key is of an unknown type or curve, weak or malformed is left out
   * and listed, after what is given as `ignored` (by default nothing): the others stay good.
   *
   * @throws `BundleError` `not_a_ca` for a certificate that may not sign others.
   */
  constructor(trustDomain: TrustDomainLike, authorities: Iterable<Certificate>, ignored: Iterable<IgnoredKey> = []) {
    this.trustDomain = parseTrustDomain(trustDomain);
    const distinct = new Map<string, Certificate>();
    for (const authority of authorities) {
      if (!(authority instanceof Certificate)) throw new TypeError('an authority must be a Certificate');
      // Where a certificate stands for itself, without a JWK that says what it is published for, one that is not a CA's
      // means that this is no bundle: a chain of an SVID in its place, for one.
      distinct.set(
        authority.fingerprint256,
        asRoomError(BundleError, () => checkAuthority(authority)),
      );
    }
    const unusable = [...ignored];
    this.authorities = Object.freeze([...distinct.values()].filter((authority) => hasUsableKey(authority, unusable)));
    this.ignored = frozenKeys(unusable);
    Object.freeze(this);
  }

  /** Whether the other bundle has the same authorities, ignored ones apart, for the same domain, in whatever order. */
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

/** Of a bundle that is read; importing so many keys takes a tenth of a second. */
const MAX_AUTHORITIES = 1000;

/**
 * Reads a bundle from certificates in DER that follow one another (SPIFFE Workload API section 5.2.2). No bytes are an
 * empty bundle.
 *
 * @throws `BundleError` `bad_der`, `too_large` or `bad_certificate` for bytes that are not at most 1000 certificates,
 * and as the constructor of {@link X509Bundle}.
 */
export function parseX509Bundle(trustDomain: TrustDomainLike, der: Uint8Array): X509Bundle {
  if (!(der instanceof Uint8Array)) throw new TypeError('a bundle in DER must be a Uint8Array');
  return new X509Bundle(
    trustDomain,
    asRoomError(BundleError, () => parseCertificates(der, MAX_AUTHORITIES)),
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
  const authorities = asRoomError(BundleError, () => {
    const blocks = decodePem(pem);
    if (blocks.length > MAX_AUTHORITIES) {
      throw new ReadError('too_large', `a bundle has at most ${MAX_AUTHORITIES} authorities`);
    }
    return blocks.map(({ label, der }) => {
      if (label !== 'CERTIFICATE') {
        throw new ReadError('bad_pem', `a bundle holds certificates alone, here is a block labelled ${quote(label)}`);
      }
      return parseCertificate(der);
    });
  });
  return new X509Bundle(trustDomain, authorities);
}

/**
 * X509-SVID section 3.2; a root without key usage may sign whatever it wants to (RFC 5280 section 6.1.4 (n)).
 *
 * @throws ReadError `not_a_ca`.
 */
export function checkAuthority(authority: Certificate): Certificate {
  if (!authority.isCa || authority.keyUsage?.has('keyCertSign') === false) {
    const subject = quote(authority.subject);
    throw new ReadError('not_a_ca', `the authority ${subject} is not a CA certificate that may sign certificates`);
  }
  return authority;
}

function hasUsableKey(authority: Certificate, ignored: IgnoredKey[]): boolean {
  const { subject } = authority;
  return asRoomError(BundleError, () => readOrIgnore(ignored, { subject }, () => authority.publicKey)) !== undefined;
}
