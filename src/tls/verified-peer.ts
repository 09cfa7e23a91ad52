import type { X509Bundle, X509BundleSource } from '../bundle/index.js';
import { TlsError } from '../errors/index.js';
import type { TrustDomain, WorkloadId } from '../id/index.js';
import { sameLists } from '../internal/held-certificate-lists.js';
import { quote } from '../internal/quote.js';
import {
  type CertificateRevocationList,
  decodeX509SvidIdUnverified,
  type VerifiedX509Svid,
  verifyX509Svid,
  type X509CrlSource,
  type X509Purpose,
} from '../x509-svid/index.js';
import { verifyHostname } from './hostname.js';
import type { PeerRules } from './read-options.js';

/**
 * The peer of one connection: verified once with what it presented, and verifiable again for as long as the connection
 * lives, because a kept connection outlives certificates, bundles, revocation lists and policies.
 */
export class VerifiedPeer {
  readonly #chain: readonly Uint8Array[];
  readonly #rules: PeerRules;
  readonly #purpose: X509Purpose;
  #trust: Trust;

  private constructor(chain: readonly Uint8Array[], rules: PeerRules, purpose: X509Purpose, trust: Trust) {
    this.#chain = chain;
    this.#rules = rules;
    this.#purpose = purpose;
    this.#trust = trust;
  }

  /**
   * Verifies the chain a peer presented, leaf first, then the name where one is asked for, then asks the authorizer.
   *
   * @throws `TlsError` with one of the peer's codes.
   */
  static verify(chain: readonly Uint8Array[], rules: PeerRules, purpose: X509Purpose, hostname?: string): VerifiedPeer {
    const trust = verifyChain(chain, rules, purpose);
    if (hostname !== undefined) verifyHostname(hostname, trust.svid);
    authorize(trust.svid.id, rules, purpose);
    return new VerifiedPeer(chain, rules, purpose, trust);
  }

  /** What the last verification established. */
  get svid(): VerifiedX509Svid {
    return this.#trust.svid;
  }

  /** When the revocation lists may say something else although they are the same, in milliseconds since the epoch. */
  get until(): number {
    return this.#trust.until;
  }

  /**
   * Whether the peer may go on: nothing on its path has expired, the authority at its end is still in the bundle of its
   * trust domain, the revocation lists are those it was verified with (or another path and other lists verify it too),
   * and the authorizer still admits it. Otherwise the chain is verified anew, with all its signatures.
   *
   * @throws `TlsError` with the reason why it may not.
   */
  recheck(): void {
    const { svid, bundle, crls, until } = this.#trust;
    const now = this.#rules.clock();
    if (now >= svid.expiresAt.getTime()) {
      const claimedId = svid.id.toString();
      const message = `the certificate of the ${this.#purpose} ${quote(claimedId)} has expired since the handshake`;
      throw new TlsError('peer_expired', message, { claimedId });
    }
    const current = readBundle(this.#rules.bundles, svid.id.trustDomain, this.#chain);
    const lists = readCrls(this.#rules.crls, this.#chain);
    if (current !== bundle || lists !== crls || !(now < until)) {
      const isSame = current !== undefined && isAnchored(svid, current) && sameLists(lists, crls) && now < until;
      this.#trust = isSame
        ? { svid, bundle: current, crls: lists, until }
        : verifyChain(this.#chain, this.#rules, this.#purpose);
    }
    authorize(this.#trust.svid.id, this.#rules, this.#purpose);
  }
}

const NO_LISTS: readonly CertificateRevocationList[] = [];

interface Trust {
  readonly svid: VerifiedX509Svid;
  /** The snapshot that verified it. */
  readonly bundle: X509Bundle;
  /** The lists by which nothing on its path was revoked. */
  readonly crls: readonly CertificateRevocationList[];
  /** When the first of the lists ends or begins, in milliseconds since the epoch. */
  readonly until: number;
}

/** Whether the path that was verified ends at an authority of this bundle. */
function isAnchored({ id, path }: VerifiedX509Svid, bundle: X509Bundle): boolean {
  const anchor = path.at(-1);
  if (anchor === undefined || !bundle.trustDomain.equals(id.trustDomain)) return false;
  return bundle.authorities.some((authority) => authority.equals(anchor));
}

function verifyChain(chain: readonly Uint8Array[], rules: PeerRules, purpose: X509Purpose): Trust {
  const { profile, clock, revocation } = rules;
  const crls = readCrls(rules.crls, chain);
  const now = clock();
  let bundle: X509Bundle | undefined;
  const bundles: X509BundleSource = {
    getX509Bundle(trustDomain) {
      bundle = readBundle(rules.bundles, trustDomain, chain);
      return bundle;
    },
  };
  try {
    const svid = verifyX509Svid(chain, bundles, { profile, purpose, clock: () => now, crls, revocation });
    if (bundle === undefined) throw new Error('the certificate was verified without a bundle');
    return { svid, bundle, crls, until: nextChange(crls, now) };
  } catch (cause) {
    if (cause instanceof TlsError) throw cause;
    const reason = cause instanceof Error ? cause.message : 'verification failed';
    const claimedId = claimedIdOf(chain);
    const who = claimedId === undefined ? `the ${purpose}` : `the ${purpose} that claims to be ${quote(claimedId)}`;
    throw new TlsError('peer_refused', `${who} is refused: ${reason}`, { cause, claimedId });
  }
}

function readBundle(
  bundles: X509BundleSource,
  trustDomain: TrustDomain,
  chain: readonly Uint8Array[],
): X509Bundle | undefined {
  try {
    return bundles.getX509Bundle(trustDomain);
  } catch (cause) {
    const message = `the bundle source failed for trust domain ${quote(`${trustDomain}`)}`;
    throw new TlsError('bundle_failed', message, { cause, claimedId: claimedIdOf(chain) });
  }
}

function readCrls(
  source: X509CrlSource | undefined,
  chain: readonly Uint8Array[],
): readonly CertificateRevocationList[] {
  if (source === undefined) return NO_LISTS;
  try {
    const lists: unknown = source.getX509Crls();
    if (Array.isArray(lists)) return lists;
  } catch (cause) {
    const claimedId = claimedIdOf(chain);
    throw new TlsError('crls_failed', 'the source of revocation lists failed', { cause, claimedId });
  }
  const message = 'the source of revocation lists gave something else than an array';
  throw new TlsError('crls_failed', message, { claimedId: claimedIdOf(chain) });
}

/** Both ends of a list's time are inclusive. */
function nextChange(crls: readonly CertificateRevocationList[], now: number): number {
  const changes = crls.flatMap(({ thisUpdate, nextUpdate }) => [thisUpdate.getTime(), nextUpdate.getTime() + 1]);
  return Math.min(...changes.filter((at) => at > now));
}

function authorize(id: WorkloadId, rules: PeerRules, purpose: X509Purpose): void {
  const claimedId = id.toString();
  let answer: unknown;
  try {
    answer = rules.authorize(id);
  } catch (cause) {
    throw new TlsError('not_authorized', `the authorizer threw for the ${purpose} ${quote(claimedId)}`, {
      cause,
      claimedId,
    });
  }
  if (answer !== true) {
    throw new TlsError('not_authorized', `the authorizer does not admit the ${purpose} ${quote(claimedId)}`, {
      claimedId,
    });
  }
}

function claimedIdOf([leaf]: readonly Uint8Array[]): string | undefined {
  try {
    return leaf === undefined ? undefined : decodeX509SvidIdUnverified(leaf).toString();
  } catch {
    return undefined;
  }
}
