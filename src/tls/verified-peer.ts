import type { X509Bundle, X509BundleSource } from '../bundle/index.js';
import { TlsError } from '../errors/index.js';
import type { TrustDomain, WorkloadId } from '../id/index.js';
import { quote } from '../internal/quote.js';
import {
  decodeX509SvidIdUnverified,
  type VerifiedX509Svid,
  verifyX509Svid,
  type X509Purpose,
} from '../x509-svid/index.js';
import { verifyHostname } from './hostname.js';
import type { MtlsSettings } from './mtls-options.js';

/**
 * The peer of one connection: verified once with what it presented, and verifiable again for as long as the connection
 * lives, because a kept connection outlives certificates, bundles and policies.
 */
export class VerifiedPeer {
  readonly #chain: readonly Uint8Array[];
  readonly #settings: MtlsSettings;
  readonly #purpose: X509Purpose;
  #trust: Trust;

  private constructor(chain: readonly Uint8Array[], settings: MtlsSettings, purpose: X509Purpose, trust: Trust) {
    this.#chain = chain;
    this.#settings = settings;
    this.#purpose = purpose;
    this.#trust = trust;
  }

  /**
   * Verifies the chain a peer presented, leaf first, then the name where one is asked for, then asks the authorizer.
   *
   * @throws `TlsError` with one of the peer's codes.
   */
  static verify(
    chain: readonly Uint8Array[],
    settings: MtlsSettings,
    purpose: X509Purpose,
    hostname?: string,
  ): VerifiedPeer {
    const trust = verifyChain(chain, settings, purpose);
    if (hostname !== undefined) verifyHostname(hostname, trust.svid);
    authorize(trust.svid.id, settings);
    return new VerifiedPeer(chain, settings, purpose, trust);
  }

  /** What the last verification established. */
  get svid(): VerifiedX509Svid {
    return this.#trust.svid;
  }

  /**
   * Whether the peer may go on: nothing on its path has expired, its trust domain's bundle is the one it was verified
   * with (or verifies it too), and the authorizer still admits it. No signature is checked unless the bundle changed.
   *
   * @throws `TlsError` with the reason why it may not.
   */
  recheck(): void {
    const { svid, bundle } = this.#trust;
    if (this.#settings.clock() >= svid.expiresAt.getTime()) {
      throw new TlsError('peer_expired', `the certificate of ${quote(`${svid.id}`)} has expired since the handshake`, {
        claimedId: svid.id.toString(),
      });
    }
    const current = readBundle(this.#settings.bundles, svid.id.trustDomain);
    if (current !== bundle) {
      this.#trust =
        current?.equals(bundle) === true
          ? { svid, bundle: current }
          : verifyChain(this.#chain, this.#settings, this.#purpose);
    }
    authorize(this.#trust.svid.id, this.#settings);
  }
}

interface Trust {
  readonly svid: VerifiedX509Svid;
  /** The snapshot that verified it. */
  readonly bundle: X509Bundle;
}

function verifyChain(chain: readonly Uint8Array[], settings: MtlsSettings, purpose: X509Purpose): Trust {
  const { profile, clock } = settings;
  let bundle: X509Bundle | undefined;
  const bundles: X509BundleSource = {
    getX509Bundle(trustDomain) {
      bundle = readBundle(settings.bundles, trustDomain);
      return bundle;
    },
  };
  try {
    const svid = verifyX509Svid(chain, bundles, { profile, purpose, clock });
    if (bundle === undefined) throw new Error('the certificate was verified without a bundle');
    return { svid, bundle };
  } catch (cause) {
    if (cause instanceof TlsError) throw cause;
    const reason = cause instanceof Error ? cause.message : 'verification failed';
    throw new TlsError('peer_refused', `the peer's certificate is refused: ${reason}`, {
      cause,
      claimedId: claimedIdOf(chain),
    });
  }
}

function readBundle(bundles: X509BundleSource, trustDomain: TrustDomain): X509Bundle | undefined {
  try {
    return bundles.getX509Bundle(trustDomain);
  } catch (cause) {
    throw new TlsError('bundle_failed', `the bundle source failed for trust domain ${quote(`${trustDomain}`)}`, {
      cause,
    });
  }
}

function authorize(id: WorkloadId, settings: MtlsSettings): void {
  const claimedId = id.toString();
  let answer: unknown;
  try {
    answer = settings.authorize(id);
  } catch (cause) {
    throw new TlsError('not_authorized', `the authorizer threw for ${quote(claimedId)}`, { cause, claimedId });
  }
  if (answer !== true) {
    throw new TlsError('not_authorized', `the authorizer does not admit ${quote(claimedId)}`, { claimedId });
  }
}

function claimedIdOf([leaf]: readonly Uint8Array[]): string | undefined {
  try {
    return leaf === undefined ? undefined : decodeX509SvidIdUnverified(leaf).toString();
  } catch {
    return undefined;
  }
}
