import type { X509BundleSource } from '../bundle/index.js';
import type { TlsError } from '../errors/index.js';
import type { Authorizer } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import type { RevocationPolicy, X509CrlSource, X509Profile, X509SvidSource } from '../x509-svid/index.js';
import type { WebCertificateSource } from './identity.js';

/** Whom we trust and whom we admit, among peers that must present an X.509-SVID. */
export interface VerifiedPeers {
  /** The bundles that peers are verified with, read at every handshake and again before a connection is reused. */
  readonly bundles: X509BundleSource;
  /**
   * Decides about the verified identifier of the peer; everything but `true` refuses. Mandatory: spell out `anyId()` to
   * admit everybody whom the bundles verify. Asked again for every request on a kept connection.
   */
  readonly authorize: Authorizer;
  /**
   * The revocation lists to apply to peers, read at every handshake and again before a connection is reused: a peer that
   * a newer list revokes gets no further request through. `X509Source`, `BundleSource` and `X509FileSource` are such
   * sources. Default: none, and nobody is found revoked.
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
}

/** What becomes of connections that outlive a rotation or a withdrawal. */
export interface ConnectionPolicy {
  /**
   * What becomes of connections in use when the identity we present was replaced. `keep`, the default: they go on until
   * shortly before the first certificate at either end expires. `drain`: they take no new request or stream, and end when
   * those they carry have ended. In both cases new connections present the new identity, and pooled connections that
   * carry nothing are closed.
   *
   * What is drained is so, before it expires, for a tenth of the time that a connection may live, and at most a minute;
   * by a server for half of that, so that clients can go first.
   */
  readonly rotation?: 'keep' | 'drain' | undefined;
  /**
   * Whether a connection is destroyed, whatever it carries, as soon as its peer could not connect any more: a certificate
   * at either end has expired, the trust domain's bundle was withdrawn or does not verify the peer any more, the peer was
   * revoked, or the authorizer has changed its mind. Sources with an `updates()`, as all sources of svidkit have, are
   * followed while there are connections, so that this happens in the same turn of the event loop; with other sources it
   * happens at the next request. Default true. With `false` it is left at refusing the next request.
   */
  readonly closeWithdrawn?: boolean | undefined;
  /** Milliseconds since the epoch, for validity periods. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** Who we are on a connection, whom we trust and whom we admit: mutual TLS between two workloads. */
export interface MtlsOptions extends VerifiedPeers, ConnectionPolicy {
  /** The X.509-SVID to present, read at every handshake, so that rotation needs no restart. */
  readonly svid: X509SvidSource;
}

/** How a client connects, whomever it connects to. */
export interface ConnectingOptions extends ConnectionPolicy {
  /**
   * The X.509-SVID to present, read at every handshake, so that rotation needs no restart. `'none'`: nothing is
   * presented, and the server does not learn who we are.
   */
  readonly svid: X509SvidSource | 'none';
  /**
   * How long connecting and the handshake may take together, in milliseconds. Default 10,000; then the request fails. More
   * than 24 days, which timers do not hold, is no limit.
   */
  readonly handshakeTimeoutMs?: number | undefined;
}

/** Servers that must present an X.509-SVID. */
export interface SpiffeServers extends VerifiedPeers {
  /**
   * Whether a server reached by a DNS name must also hold that name in its certificate (RFC 9525). Default: `false` in
   * the `spiffe` profile, where the identifier alone names the server; `true` in the `wimse` profile, which asks for
   * both (draft-ietf-wimse-mutual-tls section 3.2.1). A server reached by its IP address is never checked for a name.
   */
  readonly verifyHostname?: boolean | undefined;
  readonly servers?: undefined;
  readonly ca?: undefined;
}

/**
 * Servers of the web, such as an OAuth server: Node itself verifies the certificate and the name or address that was
 * connected to. They have no SPIFFE identity, so `getPeer` has none to give, and nothing is verified again on a kept
 * connection.
 */
export interface WebPkiServers extends Absent<SpiffeServers, 'servers' | 'ca'> {
  readonly servers: 'web-pki';
  /** The certificates of the authorities that are trusted, in PEM. Default: those that Node trusts. */
  readonly ca?: string | readonly string[] | undefined;
}

/** {@link MtlsOptions} of the side that connects, with what one-way TLS and servers of the web need instead. */
export type MtlsClientOptions = ConnectingOptions & (SpiffeServers | WebPkiServers);

/** How a server accepts, whomever it accepts. */
export interface AcceptingOptions extends ConnectionPolicy {
  /**
   * Told of every connection and every request that is refused, after it was. For a refused connection the server also
   * emits `tlsClientError` with the same error. What this throws is ignored.
   */
  readonly onRefused?: ((error: TlsError) => void) | undefined;
}

/** A server that presents its X.509-SVID. */
export interface SpiffeServer {
  /** The X.509-SVID to present, read for every connection, so that rotation needs no restart. */
  readonly svid: X509SvidSource;
  readonly webCertificate?: undefined;
}

/** A server for clients that know nothing of SPIFFE and find it by its DNS name. */
export interface WebServer {
  /** The certificate of the web to present, read for every connection like an SVID. */
  readonly webCertificate: WebCertificateSource;
  readonly svid?: undefined;
}

/** Clients that must present an X.509-SVID. */
export interface SpiffeClients extends VerifiedPeers {
  readonly clients?: undefined;
}

/** Clients that are asked for no certificate: anybody. `getPeer` has no identity to give. */
export interface UnauthenticatedClients extends Absent<VerifiedPeers> {
  readonly clients: 'unauthenticated';
}

/** {@link MtlsOptions} of the side that accepts, with what one-way TLS and clients of the web need instead. */
export type MtlsServerOptions = AcceptingOptions &
  (SpiffeServer | WebServer) &
  (SpiffeClients | UnauthenticatedClients);

/** Leaves no room for the members of another type. */
type Absent<T, But extends keyof T = never> = { readonly [K in Exclude<keyof T, But>]?: undefined };
