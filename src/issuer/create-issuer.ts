import { parseTrustDomain, type TrustDomainLike } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { lifetimeOption } from '../internal/validity.js';
import { Issuer } from './issuer.js';
import type { AuthorityKeyType } from './key-type.js';
import { createTokenAuthority } from './token-authority.js';
import { X509Authority } from './x509-authority.js';

/** How {@link createIssuer} makes a trust domain. */
export interface IssuerOptions {
  /** The trust domain to speak for: a name, or its `spiffe://` identifier. Only SPIFFE trust domains are issued for. */
  readonly trustDomain: TrustDomainLike;
  /** The time that goes into credentials. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Lifetime of an X.509-SVID in seconds. Default: 3600. */
  readonly x509TtlSeconds?: number | undefined;
  /** Lifetime of a JWT-SVID in seconds. Default: 300. */
  readonly jwtTtlSeconds?: number | undefined;
  /** Lifetime of a WIT-SVID in seconds. Default: 3600. */
  readonly witTtlSeconds?: number | undefined;
  /**
   * Lifetime of an X.509 authority in seconds, which also caps what it issues. Default: 86400. Once half of it has
   * passed, the next X.509-SVID is issued under a new authority; the old one stays in the bundle until it expires.
   */
  readonly caTtlSeconds?: number | undefined;
  /** The keys that sign certificates and tokens. Default: `ec-p256`, which makes ES256 tokens. */
  readonly keyType?: AuthorityKeyType | undefined;
  /** Whether an intermediate authority signs, so that every X.509-SVID is a chain of two. Default: false. */
  readonly intermediate?: boolean | undefined;
  /** How often a consumer of the bundle should look for a newer one, in seconds. Default: 300. */
  readonly refreshHintSeconds?: number | undefined;
}

/**
 * Makes a trust domain in memory: an X.509 authority, a key for JWT-SVIDs and one for WIT-SVIDs. It is meant for
 * development, tests and small tools: the keys live in this process and are gone with it.
 *
 * @throws `TypeError` when a lifetime is not a positive whole number, or the trust domain is not a SPIFFE one.
 * @throws `IdError` when the trust domain is malformed.
 */
export async function createIssuer(options: IssuerOptions): Promise<Issuer> {
  const trustDomain = parseTrustDomain(options.trustDomain);
  if (trustDomain.scheme !== 'spiffe') throw new TypeError(`an issuer needs a SPIFFE trust domain, not ${trustDomain}`);
  const clock = options.clock ?? systemClock;
  const caTtlSeconds = lifetimeOption('caTtlSeconds', options.caTtlSeconds ?? 86_400);
  const ttlSeconds = {
    x509: lifetimeOption('x509TtlSeconds', options.x509TtlSeconds ?? 3600),
    jwt: lifetimeOption('jwtTtlSeconds', options.jwtTtlSeconds ?? 300),
    wit: lifetimeOption('witTtlSeconds', options.witTtlSeconds ?? 3600),
  };
  const refreshHintSeconds = lifetimeOption('refreshHintSeconds', options.refreshHintSeconds ?? 300);
  const keyType = options.keyType ?? 'ec-p256';
  if (!AUTHORITY_KEY_TYPES.includes(keyType)) {
    throw new TypeError(`keyType must be one of ${AUTHORITY_KEY_TYPES.join(', ')}`);
  }
  const createX509Authority = (): Promise<X509Authority> => {
    const { intermediate = false } = options;
    return X509Authority.create({ trustDomain, keyType, intermediate, now: clock(), ttlSeconds: caTtlSeconds });
  };
  const createTokenKey = (): ReturnType<typeof createTokenAuthority> => createTokenAuthority(keyType);
  const [x509, jwt, wit] = await Promise.all([createX509Authority(), createTokenKey(), createTokenKey()]);
  return new Issuer({
    trustDomain,
    clock,
    ttlSeconds,
    refreshHintSeconds,
    createX509Authority,
    createTokenKey,
    authorities: { x509, jwt, wit },
  });
}

const AUTHORITY_KEY_TYPES: readonly AuthorityKeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048'];
