import { type BundleKey, WitBundle, type WitBundleSource } from '../bundle/index.js';
import { WitError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import type { CompactJws } from '../internal/compact-jws.js';
import { algorithmFits, verifyJws } from '../internal/jws-algorithm.js';
import { quote } from '../internal/quote.js';
import { tokenHash } from '../internal/token-hash.js';
import { checkValidity, secondsOption } from '../internal/validity.js';
import { readConfirmationKey } from './confirmation-key.js';
import { listedProfiles, profileFor, type WitProfile, widestOf } from './profile.js';
import {
  inRoom,
  readSubject,
  readWitHeader,
  readWitJws,
  readWitPayload,
  type WitHeader,
  type WitPayload,
} from './read-wit.js';
import { UnprovenWit } from './unproven-wit.js';

export interface VerifyWitOptions {
  /**
   * Which rules tokens may follow. Default both: a `spiffe://` subject is then held to `spiffe` and a `wimse://`
   * subject to `wimse`. `['spiffe']` refuses `wimse://` subjects; `['wimse']` holds every subject to the wider `wimse`
   * rules, which a `spiffe://` subject with, say, an EdDSA key needs.
   */
  readonly profiles?: readonly WitProfile[] | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
  /** How far the issuer's clock may be off, in seconds from 0 to 120. Default 30. */
  readonly leewaySeconds?: number | undefined;
  /** The longest life in seconds, from `nbf` or now to `exp`, that is accepted. Default not limited. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** The values of `iss` that are accepted; a token without one is then refused. Default not looked at. Never fetched. */
  readonly issuers?: readonly string[] | undefined;
  /** The longest token that is looked at, in bytes. Default 8192. */
  readonly maxBytes?: number | undefined;
}

/**
 * Verifies a Workload Identity Token with the keys of its subject's own trust domain
 * (draft-ietf-wimse-workload-creds-02, "Establishing Trust Anchors"; WIT-SVID sections 2 to 4). The result names
 * nobody: a WIT without a proof of possession is worth nothing.
 *
 * @throws `WitError` with the rule that refused. Whatever `bundles` throws comes through as it is.
 */
export async function verifyWit(
  token: string,
  bundles: WitBundleSource,
  options: VerifyWitOptions = {},
): Promise<UnprovenWit> {
  const listed = listedProfiles(options.profiles ?? ['spiffe', 'wimse']);
  const leeway = secondsOption('leewaySeconds', options.leewaySeconds ?? 30, 0, 120);

  const jws = readWitJws(token, options.maxBytes);
  readWitHeader(jws.header, widestOf(listed));
  const id = readSubject(jws.payload);
  const profile = profileFor(id, listed);
  const header = readWitHeader(jws.header, profile);
  const key = keyOf(header, bundleOf(id.trustDomain, bundles));
  checkAlgorithmFitsKey(header, key);
  checkSignature(header, key, jws);
  const claims = readWitPayload(jws.payload, profile);
  const now = (options.clock ?? systemClock)();
  inRoom(() => checkValidity(claims, now, leeway));
  checkLifetime(claims, now, leeway, options.maxLifetimeSeconds);
  checkIssuer(claims, options.issuers);
  const { alg, publicKey } = readConfirmationKey(jws.payload, profile);

  return new UnprovenWit({
    alg,
    confirmationKey: publicKey.key,
    thumbprint: publicKey.thumbprint,
    exp: claims.exp,
    hash: tokenHash(token),
    contents: { id, claims: jws.payload, usableUntil: (claims.exp + leeway) * 1000 },
  });
}

/** Keys come from the origin of `sub`, and from nothing else in the token ("Establishing Trust Anchors"). */
function bundleOf(trustDomain: TrustDomain, bundles: WitBundleSource): WitBundle {
  const bundle = bundles.getWitBundle(trustDomain);
  if (bundle === undefined) {
    throw new WitError('unknown_trust_domain', `no WIT bundle is held for ${trustDomain}`);
  }
  if (!(bundle instanceof WitBundle) || !bundle.trustDomain.equals(trustDomain)) {
    throw new TypeError(`the bundle source did not give the WIT bundle of ${trustDomain}`);
  }
  return bundle;
}

/** WIT-SVID section 2.1; without `kid`, "Establishing Trust Anchors" asks for unambiguous selection: one key. */
function keyOf({ kid }: WitHeader, bundle: WitBundle): BundleKey {
  const [key, ...others] = bundle.candidates(kid);
  if (kid === undefined && (key === undefined || others.length > 0)) {
    throw new WitError('ambiguous_key', `the token has no kid, and ${bundle.trustDomain} does not have just one key`);
  }
  if (key === undefined) {
    const wanted = quote(kid ?? '');
    throw new WitError('unknown_key', `the WIT bundle of ${bundle.trustDomain} does not hold the key ${wanted}`);
  }
  return key;
}

/** RFC 8725 section 3.1: one key, one algorithm. */
function checkAlgorithmFitsKey({ alg }: WitHeader, { publicKey }: BundleKey): void {
  if (!algorithmFits(alg, publicKey)) {
    throw new WitError('alg_mismatch', `the key in the bundle cannot be used with ${alg}`);
  }
}

/** RFC 7515 section 5.2. */
function checkSignature({ alg }: WitHeader, { publicKey }: BundleKey, jws: CompactJws): void {
  if (!verifyJws(alg, publicKey.key, jws.signingInput, jws.signature)) {
    throw new WitError('bad_signature', 'the signature is not one of the trust domain');
  }
}

/** WIT-SVID section 3.5 lets a verifier limit the life of a token. */
function checkLifetime({ exp, nbf }: WitPayload, now: number, leeway: number, limit: number | undefined): void {
  if (limit === undefined) return;
  const most = secondsOption('maxLifetimeSeconds', limit, 1, Number.MAX_SAFE_INTEGER);
  const start = Math.min(nbf ?? Number.POSITIVE_INFINITY, now / 1000 + leeway);
  if (!(exp - start <= most)) {
    throw new WitError('lifetime_too_long', `the token is valid for longer than ${most} seconds`);
  }
}

/** Compared with configuration, never followed ("Establishing Trust Anchors"). */
function checkIssuer({ iss }: WitPayload, issuers: readonly string[] | undefined): void {
  if (issuers === undefined) return;
  if (!Array.isArray(issuers)) throw new TypeError('issuers must be a list');
  if (iss === undefined || !issuers.includes(iss)) {
    throw new WitError('bad_iss', 'the token does not name one of the accepted issuers');
  }
}
