import { type BundleKey, JwtBundle, type JwtBundleSource } from '../bundle/index.js';
import { JwtSvidError } from '../errors/index.js';
import type { SpiffeId, TrustDomain } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import type { CompactJws } from '../internal/compact-jws.js';
import type { JsonObject } from '../internal/json.js';
import { algorithmFits, verifyJws } from '../internal/jws-algorithm.js';
import { quote } from '../internal/quote.js';
import { checkValidity, secondsOption } from '../internal/validity.js';
import {
  inRoom,
  type JwtSvidHeader,
  readJwtSvidHeader,
  readJwtSvidJws,
  readJwtSvidPayload,
  readSubject,
} from './read-jwt-svid.js';

export interface VerifyJwtSvidOptions {
  /**
   * The audience, or audiences, that this verifier answers to. The token must name at least one of them, byte for byte.
   * Mandatory and from configuration: an empty list is a `TypeError`.
   */
  readonly audience: string | readonly string[];
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
  /** How far the issuer's clock may be off, in seconds from 0 to 120. Default 30. */
  readonly leewaySeconds?: number | undefined;
  /** The longest token that is looked at, in bytes. Default 8192. */
  readonly maxBytes?: number | undefined;
}

/** What a verified JWT-SVID says. It was a bearer token: whoever has it could have sent it. */
export interface VerifiedJwtSvid {
  /** Who the token was issued to. */
  readonly id: SpiffeId;
  /** Every audience in the token, in its order. */
  readonly audience: readonly string[];
  readonly expiresAt: Date;
  /** All claims, as they were signed. The object has no prototype. */
  readonly claims: JsonObject;
}

/**
 * Verifies a JWT-SVID with the keys of its own trust domain (JWT-SVID sections 2 to 4). `kid` is optional, as section
 * 2.2 has it: without one, every key of the trust domain that fits `alg` is tried.
 *
 * @throws `JwtSvidError` with the rule that refused. Whatever `bundles` throws comes through as it is.
 */
export async function verifyJwtSvid(
  token: string,
  bundles: JwtBundleSource,
  options: VerifyJwtSvidOptions,
): Promise<VerifiedJwtSvid> {
  const expected = expectedAudience(options?.audience);
  const leeway = secondsOption('leewaySeconds', options.leewaySeconds ?? 30, 0, 120);

  const jws = readJwtSvidJws(token, options.maxBytes);
  const header = readJwtSvidHeader(jws.header);
  const bundle = bundleOf(readSubject(jws.payload).trustDomain, bundles);
  const keys = keysThatFit(header, candidateKeys(header, bundle));
  checkSignature(header, keys, jws);
  const claims = readJwtSvidPayload(jws.payload);
  inRoom(() => checkValidity(claims, (options.clock ?? systemClock)(), leeway));
  checkAudience(claims.aud, expected);

  return {
    id: claims.sub,
    audience: claims.aud,
    expiresAt: new Date(claims.exp * 1000),
    claims: jws.payload,
  };
}

function expectedAudience(audience: string | readonly string[]): ReadonlySet<string> {
  const list = typeof audience === 'string' ? [audience] : audience;
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => typeof item === 'string' && item !== '')) {
    throw new TypeError('verifyJwtSvid() needs the audience it answers to');
  }
  return new Set(list);
}

/** SPIFFE Trust Domain and Bundle section 5: a trust domain's bundle speaks for that trust domain alone. */
function bundleOf(trustDomain: TrustDomain, bundles: JwtBundleSource): JwtBundle {
  const bundle = bundles.getJwtBundle(trustDomain);
  if (bundle === undefined) {
    throw new JwtSvidError('unknown_trust_domain', `no JWT bundle is held for ${trustDomain}`);
  }
  if (!(bundle instanceof JwtBundle) || !bundle.trustDomain.equals(trustDomain)) {
    throw new TypeError(`the bundle source did not give the JWT bundle of ${trustDomain}`);
  }
  return bundle;
}

/** JWT-SVID section 2.2. */
function candidateKeys({ kid }: JwtSvidHeader, bundle: JwtBundle): readonly BundleKey[] {
  const keys = bundle.candidates(kid);
  if (keys.length > 0) return keys;
  const wanted = kid === undefined ? 'any key' : `the key ${quote(kid)}`;
  throw new JwtSvidError('unknown_key', `the JWT bundle of ${bundle.trustDomain} does not hold ${wanted}`);
}

/** RFC 8725 section 3.1: one key, one algorithm. */
function keysThatFit({ alg }: JwtSvidHeader, keys: readonly BundleKey[]): readonly BundleKey[] {
  const fitting = keys.filter((key) => algorithmFits(alg, key.publicKey));
  if (fitting.length > 0) return fitting;
  throw new JwtSvidError('alg_mismatch', `no candidate key can be used with ${alg}`);
}

/** JWT-SVID section 4. */
function checkSignature({ alg }: JwtSvidHeader, keys: readonly BundleKey[], jws: CompactJws): void {
  const verified = keys.some(({ publicKey }) => verifyJws(alg, publicKey.key, jws.signingInput, jws.signature));
  if (!verified) throw new JwtSvidError('bad_signature', 'the signature is not one of the trust domain');
}

/** JWT-SVID section 3.2. */
function checkAudience(audience: readonly string[], expected: ReadonlySet<string>): void {
  if (audience.some((item) => expected.has(item))) return;
  throw new JwtSvidError('wrong_audience', 'the token was issued for another audience');
}
