import type { X509BundleSource } from '../bundle/index.js';
import type { TlsError } from '../errors/index.js';
import type { Authorizer } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import type { RevocationPolicy, X509CrlSource, X509Profile, X509SvidSource } from '../x509-svid/index.js';

/** Who we are on a connection, whom we trust and whom we admit. */
export interface MtlsOptions {
  /** The X.509-SVID to present, read at every handshake, so that rotation needs no restart. */
  readonly svid: X509SvidSource;
  /** The bundles that peers are verified with, read at every handshake and again before a connection is reused. */
  readonly bundles: X509BundleSource;
  /**
   * Decides about the verified identifier of the peer; everything but `true` refuses. Mandatory: spell out `anyId()` to
   * admit everybody whom the bundles verify. Asked again for every request on a kept connection.
   */
  readonly authorize: Authorizer;
  /**
   * The revocation lists to apply to peers, read at every handshake and again before a connection is reused: a peer that
   * a newer list revokes gets no further request through. Every source of X.509 bundles of svidkit is one. Default:
   * none, and nobody is found revoked.
   */
  readonly crls?: X509CrlSource | undefined;
  /**
   * What to make of peers under a CA that no list covers. Default `if-available`: they pass. `required`: they are
   * refused; a `TypeError` without `crls`. A list that covers a CA is obeyed in both cases, and refuses everybody under
   * it when it has run out.
   */
  readonly revocation?: RevocationPolicy | undefined;
  /** Which rules the peer's certificate must keep. Default `spiffe`; see `verifyX509Svid`. */
  readonly profile?: X509Profile | undefined;
  /** Milliseconds since the epoch, for validity periods. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** {@link MtlsOptions} of the side that connects. */
export interface MtlsClientOptions extends MtlsOptions {
  /**
   * Whether a server reached by a DNS name must also hold that name in its certificate (RFC 9525). Default: `false` in
   * the `spiffe` profile, where the identifier alone names the server; `true` in the `wimse` profile, which asks for
   * both (draft-ietf-wimse-mutual-tls section 3.2.1). A server reached by its IP address is never checked for a name.
   */
  readonly verifyHostname?: boolean | undefined;
  /** How long connecting and the handshake may take together, in milliseconds. Default 10,000; then the request fails. */
  readonly handshakeTimeoutMs?: number | undefined;
}

/** {@link MtlsOptions} of the side that accepts. */
export interface MtlsServerOptions extends MtlsOptions {
  /**
   * Told of every connection and every request that is refused, after it was. For a refused connection the server also
   * emits `tlsClientError` with the same error. What this throws is not caught.
   */
  readonly onRefused?: ((error: TlsError) => void) | undefined;
}

/** {@link MtlsOptions} with every default filled in. */
export interface MtlsSettings {
  readonly svid: X509SvidSource;
  readonly bundles: X509BundleSource;
  readonly authorize: Authorizer;
  readonly crls: X509CrlSource | undefined;
  readonly revocation: RevocationPolicy;
  readonly profile: X509Profile;
  readonly clock: Clock;
}

export interface MtlsClientSettings extends MtlsSettings {
  readonly verifyHostname: boolean;
  readonly handshakeTimeoutMs: number;
}

export interface MtlsServerSettings extends MtlsSettings {
  readonly onRefused: ((error: TlsError) => void) | undefined;
}

/** @throws `TypeError` when a mandatory option is missing or of the wrong type. */
export function readMtlsOptions(options: MtlsOptions): MtlsSettings {
  const { svid, bundles, authorize, crls, revocation = 'if-available' } = options;
  const { profile = 'spiffe', clock = systemClock } = options;
  if (typeof svid?.getX509Svid !== 'function') throw new TypeError('svid must have a method getX509Svid()');
  if (typeof bundles?.getX509Bundle !== 'function') throw new TypeError('bundles must have a method getX509Bundle()');
  if (typeof authorize !== 'function') {
    throw new TypeError('authorize is mandatory: say who may connect, or spell out anyId()');
  }
  if (crls !== undefined && typeof crls?.getX509Crls !== 'function') {
    throw new TypeError('crls must have a method getX509Crls()');
  }
  if (revocation !== 'if-available' && revocation !== 'required') {
    throw new TypeError('revocation must be if-available or required');
  }
  if (revocation === 'required' && crls === undefined) throw new TypeError("revocation: 'required' needs crls");
  if (profile !== 'spiffe' && profile !== 'wimse') throw new TypeError('profile must be spiffe or wimse');
  if (typeof clock !== 'function') throw new TypeError('clock must be a function');
  return { svid, bundles, authorize, crls, revocation, profile, clock };
}

/** @throws `TypeError` as {@link readMtlsOptions}. */
export function readMtlsClientOptions(options: MtlsClientOptions): MtlsClientSettings {
  const settings = readMtlsOptions(options);
  const { verifyHostname = settings.profile === 'wimse', handshakeTimeoutMs = 10_000 } = options;
  if (typeof verifyHostname !== 'boolean') throw new TypeError('verifyHostname must be true or false');
  if (!(handshakeTimeoutMs > 0)) throw new TypeError('handshakeTimeoutMs must be a number of milliseconds above 0');
  return { ...settings, verifyHostname, handshakeTimeoutMs };
}

/** @throws `TypeError` as {@link readMtlsOptions}. */
export function readMtlsServerOptions(options: MtlsServerOptions): MtlsServerSettings {
  const { onRefused } = options;
  if (onRefused !== undefined && typeof onRefused !== 'function') throw new TypeError('onRefused must be a function');
  return { ...readMtlsOptions(options), onRefused };
}
