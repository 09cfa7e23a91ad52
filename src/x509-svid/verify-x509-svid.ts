import type { X509BundleSource } from '../bundle/index.js';
import { X509SvidError } from '../errors/index.js';
import type { WorkloadId } from '../id/index.js';
import { Certificate, fieldsOf, parseCertificate } from '../internal/certificate.js';
import { CertificateRevocationList } from '../internal/certificate-list.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { asRoomError } from '../internal/room-error.js';
import { secondsOption } from '../internal/validity.js';
import { checkTime, type PathConditions } from './authority-rules.js';
import { buildPath } from './build-path.js';
import { recallIntermediate, rememberIntermediates } from './intermediate-cache.js';
import { checkLeaf, readId, readLeafId } from './leaf-rules.js';
import type { RevocationPolicy } from './revocation.js';

/**
 * Which rules the leaf is held to: `spiffe` is X509-SVID, `wimse` is the Workload Identity Certificate of
 * draft-ietf-wimse-workload-creds, which also takes `wimse://` identifiers and asks for less in the extensions.
 */
export type X509Profile = 'spiffe' | 'wimse';

/** What the peer uses its certificate for: `client` when it called, `server` when it was called. */
export type X509Purpose = 'client' | 'server';

export interface VerifyX509SvidOptions {
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Default `spiffe`: identifiers of the `wimse` scheme are then refused. */
  readonly profile?: X509Profile | undefined;
  /**
   * Default: none, and an extended key usage must then allow TLS in some role. When given, the leaf of the `wimse`
   * profile and every CA on the path must allow this one, if they have an extended key usage at all. A leaf of the
   * `spiffe` profile with one must allow both roles in any case.
   */
  readonly purpose?: X509Purpose | undefined;
  /** Seconds by which both ends of every validity are widened, 0 to 300. Default 0. */
  readonly leewaySeconds?: number | undefined;
  /**
   * Revocation lists of CAs, each read once by `parseCertificateList`. The newest one that a CA on the path has signed
   * says which of its certificates are revoked; lists of other CAs change nothing. Default: none.
   */
  readonly crls?: readonly CertificateRevocationList[] | undefined;
  /**
   * What to make of a CA on the path that no list covers. Default `if-available`: its certificates pass. `required`:
   * they are refused as `revocation_unknown`, and so is everything where `crls` is empty.
   */
  readonly revocation?: RevocationPolicy | undefined;
}

/** What a chain proves: that the holder of the leaf's key is this workload. */
export interface VerifiedX509Svid {
  readonly id: WorkloadId;
  readonly leaf: Certificate;
  /** From the leaf to the authority of the bundle, both included. */
  readonly path: readonly Certificate[];
  /** The earliest end of validity on the path. */
  readonly expiresAt: Date;
}

/** Of a presented chain; a longer one is refused before any certificate is read. */
export const MAX_CHAIN = 16;

/**
 * Verifies a chain, the leaf first, against the bundle of the leaf's own trust domain and no other (X509-SVID section
 * 5, draft-ietf-wimse-mutual-tls section 3.2): leaf rules, then a path by RFC 5280 section 6 with the other
 * certificates as possible intermediates in any order. Every certificate must be in its time, the authority in the
 * bundle too, and none below it may be revoked by the lists that are given; nothing is fetched. Synchronous, so that a
 * TLS connection can be refused before anything is read from it.
 *
 * The result says who the peer is, not whether it may do anything: ask an authorizer.
 *
 * @throws `X509SvidError` with the rule that refused.
 */
export function verifyX509Svid(
  certificates: readonly (Uint8Array | Certificate)[],
  bundles: X509BundleSource,
  options: VerifyX509SvidOptions = {},
): VerifiedX509Svid {
  const conditions = readConditions(options);
  if (typeof bundles?.getX509Bundle !== 'function') throw new TypeError('bundles must have a method getX509Bundle()');
  const [leaf, ...intermediates] = readChain(certificates);
  const id = readLeafId(leaf, conditions.profile);
  checkLeaf(leaf, conditions.profile, conditions.purpose);
  checkTime(leaf, conditions);
  const bundle = bundles.getX509Bundle(id.trustDomain);
  if (bundle === undefined || !bundle.trustDomain.equals(id.trustDomain)) {
    throw new X509SvidError('unknown_trust_domain', `no X.509 bundle is held for ${id.trustDomain}`);
  }
  const path = buildPath(leaf, intermediates, bundle.authorities, conditions);
  rememberIntermediates(path);
  const end = Math.min(...path.map((certificate) => fieldsOf(certificate).notAfter));
  return Object.freeze({ id, leaf, path: Object.freeze(path), expiresAt: new Date(end) });
}

/**
 * Reads the identifier in a certificate and verifies nothing: for tools and log lines. Exactly one URI name with an
 * identifier of either scheme, with or without a path, so that it also reads the certificates of authorities.
 *
 * @throws `X509SvidError` `no_uri_san`, `several_uri_sans`, `bad_id` or the rule of a strict reader.
 */
export function decodeX509SvidIdUnverified(certificate: Uint8Array | Certificate): WorkloadId {
  return readId(readCertificate(certificate));
}

function readConditions(options: VerifyX509SvidOptions): PathConditions {
  const { clock = systemClock, profile = 'spiffe', purpose, leewaySeconds = 0 } = options;
  const { crls = [], revocation = 'if-available' } = options;
  if (profile !== 'spiffe' && profile !== 'wimse') throw new TypeError("profile must be 'spiffe' or 'wimse'");
  if (purpose !== undefined && purpose !== 'client' && purpose !== 'server') {
    throw new TypeError("purpose must be 'client' or 'server'");
  }
  if (!Array.isArray(crls) || !crls.every((list) => list instanceof CertificateRevocationList)) {
    throw new TypeError('crls must be an array of what parseCertificateList() gives');
  }
  if (revocation !== 'if-available' && revocation !== 'required') {
    throw new TypeError("revocation must be 'if-available' or 'required'");
  }
  const leewayMs = secondsOption('leewaySeconds', leewaySeconds, 0, 300) * 1000;
  return { profile, purpose, now: clock(), leewayMs, crls, revocation };
}

function readChain(certificates: readonly (Uint8Array | Certificate)[]): [Certificate, ...Certificate[]] {
  if (!Array.isArray(certificates)) throw new TypeError('certificates must be an array, the leaf first');
  if (certificates.length > MAX_CHAIN) {
    throw new X509SvidError('chain_too_long', `a chain has at most ${MAX_CHAIN} certificates`);
  }
  const [leaf, ...others] = certificates.map((certificate, index) =>
    index === 0 ? readCertificate(certificate) : readIntermediate(certificate),
  );
  if (leaf === undefined) throw new X509SvidError('empty_chain', 'there is no certificate');
  return [leaf, ...others];
}

function readIntermediate(certificate: Uint8Array | Certificate): Certificate {
  const known = certificate instanceof Uint8Array ? recallIntermediate(certificate) : undefined;
  return known ?? readCertificate(certificate);
}

function readCertificate(certificate: Uint8Array | Certificate): Certificate {
  if (certificate instanceof Certificate) return certificate;
  if (!(certificate instanceof Uint8Array)) throw new TypeError('a certificate must be DER in a Uint8Array');
  return asRoomError(X509SvidError, () => parseCertificate(certificate));
}
