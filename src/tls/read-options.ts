import type { X509BundleSource } from '../bundle/index.js';
import type { TlsError } from '../errors/index.js';
import type { Authorizer } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import type { RevocationPolicy, X509CrlSource, X509Profile, X509SvidSource } from '../x509-svid/index.js';
import { type Identity, webIdentityReader } from './identity.js';
import type {
  ConnectionPolicy,
  MtlsClientOptions,
  MtlsServerOptions,
  UnauthenticatedClients,
  VerifiedPeers,
  WebPkiServers,
} from './mtls-options.js';

/** By which rules peers are verified. */
export interface PeerRules {
  readonly bundles: X509BundleSource;
  readonly authorize: Authorizer;
  readonly crls: X509CrlSource | undefined;
  readonly revocation: RevocationPolicy;
  readonly profile: X509Profile;
  readonly clock: Clock;
}

/** Options with every default filled in. */
export interface MtlsSettings {
  /** Reads what to present now; throws where there is nothing. `undefined`: we present nothing at all. */
  readonly identity: (() => Identity) | undefined;
  /** `undefined`: svidkit does not verify the peer. */
  readonly peers: PeerRules | undefined;
  /** Whatever may tell of updates. */
  readonly sources: readonly object[];
  readonly rotation: 'keep' | 'drain';
  readonly closeWithdrawn: boolean;
  readonly clock: Clock;
}

export interface MtlsClientSettings extends MtlsSettings {
  /** Present where Node verifies the server, `ca` where the authorities are not Node's own. */
  readonly webPki: { readonly ca: string[] | undefined } | undefined;
  readonly verifyHostname: boolean;
  readonly handshakeTimeoutMs: number;
}

export interface MtlsServerSettings extends MtlsSettings {
  readonly onRefused: ((error: TlsError) => void) | undefined;
}

/** @throws `TypeError` when a mandatory option is missing, or one is of the wrong type or at odds with another. */
export function readMtlsClientOptions(options: MtlsClientOptions): MtlsClientSettings {
  const { svid, servers, handshakeTimeoutMs = 10_000 } = options;
  if (servers !== undefined && servers !== 'web-pki') throw new TypeError("servers must be 'web-pki' or left out");
  if (!(handshakeTimeoutMs > 0)) throw new TypeError('handshakeTimeoutMs must be a number of milliseconds above 0');
  const policy = readPolicy(options);
  const peers = servers === undefined ? readPeerRules(options, policy.clock) : undefined;
  if (servers !== undefined) refusePeerRules(options, "servers: 'web-pki'");
  const verifyHostname = options.verifyHostname ?? peers?.profile === 'wimse';
  if (typeof verifyHostname !== 'boolean') throw new TypeError('verifyHostname must be true or false');
  return {
    ...policy,
    identity: svid === 'none' ? undefined : svidReader(svid),
    peers,
    sources: sourcesOf(svid, peers),
    webPki: readWebPki(options),
    verifyHostname,
    handshakeTimeoutMs,
  };
}

/** @throws `TypeError` as {@link readMtlsClientOptions}. */
export function readMtlsServerOptions(options: MtlsServerOptions): MtlsServerSettings {
  const { svid, webCertificate, clients, onRefused } = options;
  if (clients !== undefined && clients !== 'unauthenticated') {
    throw new TypeError("clients must be 'unauthenticated' or left out");
  }
  if (svid !== undefined && webCertificate !== undefined) throw new TypeError('give either svid or webCertificate');
  if (onRefused !== undefined && typeof onRefused !== 'function') throw new TypeError('onRefused must be a function');
  const policy = readPolicy(options);
  const peers = clients === undefined ? readPeerRules(options, policy.clock) : undefined;
  if (clients !== undefined) refusePeerRules(options, "clients: 'unauthenticated'");
  return {
    ...policy,
    identity: webCertificate === undefined ? svidReader(svid) : webIdentityReader(webCertificate),
    peers,
    sources: sourcesOf(webCertificate ?? svid, peers),
    onRefused,
  };
}

function readPolicy(options: ConnectionPolicy): Pick<MtlsSettings, 'rotation' | 'closeWithdrawn' | 'clock'> {
  const { rotation = 'keep', closeWithdrawn = true, clock = systemClock } = options;
  if (rotation !== 'keep' && rotation !== 'drain') throw new TypeError('rotation must be keep or drain');
  if (typeof closeWithdrawn !== 'boolean') throw new TypeError('closeWithdrawn must be true or false');
  if (typeof clock !== 'function') throw new TypeError('clock must be a function');
  return { rotation, closeWithdrawn, clock };
}

function readPeerRules(options: VerifiedPeers, clock: Clock): PeerRules {
  const { bundles, authorize, crls, revocation = 'if-available', profile = 'spiffe' } = options;
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
  return { bundles, authorize, crls, revocation, profile, clock };
}

/** Rules that would silently not be applied must not seem to be. */
function refusePeerRules(options: WebPkiServers | UnauthenticatedClients, instead: string): void {
  const rules: WebPkiServers | (UnauthenticatedClients & { readonly verifyHostname?: unknown }) = options;
  const { bundles, authorize, crls, revocation, profile, verifyHostname } = rules;
  for (const [name, value] of Object.entries({ bundles, authorize, crls, revocation, profile, verifyHostname })) {
    if (value !== undefined) throw new TypeError(`${name} has no effect with ${instead}; leave it out`);
  }
}

function readWebPki({ servers, ca }: MtlsClientOptions): MtlsClientSettings['webPki'] {
  if (servers === undefined) {
    if (ca !== undefined) throw new TypeError("ca needs servers: 'web-pki'; for SPIFFE servers there are bundles");
    return undefined;
  }
  const all = ca === undefined ? undefined : [ca].flat();
  if (all?.every((pem) => typeof pem === 'string') === false) throw new TypeError('ca must be PEM text');
  return { ca: all };
}

function svidReader(svid: X509SvidSource | undefined): () => Identity {
  if (typeof svid?.getX509Svid !== 'function') throw new TypeError('svid must have a method getX509Svid()');
  return () => svid.getX509Svid();
}

function sourcesOf(own: unknown, peers: PeerRules | undefined): readonly object[] {
  const isObject = (source: unknown): source is object => typeof source === 'object' && source !== null;
  return [...new Set([own, peers?.bundles, peers?.crls].filter(isObject))];
}
