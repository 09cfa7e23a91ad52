import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { SpiffeBundle, X509Bundle, type X509BundleSource } from '../bundle/index.js';
import { FederationError } from '../errors/index.js';
import { parseSpiffeId, type TrustDomain, type WorkloadIdLike } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import { PRESENTED_VIEWS } from '../internal/presented-chain.js';
import { type VerifiedX509Svid, verifyX509Svid } from '../x509-svid/index.js';

/** The endpoint proves a name of the web PKI (SPIFFE_Federation section 5.2.1). */
export interface HttpsWebProfile {
  readonly kind: 'https_web';
  /**
   * The roots to trust in place of Node's, as PEM: for a private PKI. An empty text or list is misuse, lest a setting that
   * was not made become trust in everybody's roots. Default: Node's, `NODE_EXTRA_CA_CERTS` included.
   */
  readonly ca?: string | readonly string[] | undefined;
}

/** The endpoint proves a SPIFFE ID with an X.509-SVID (section 5.2.2). Its name in DNS does not matter. */
export interface HttpsSpiffeProfile {
  readonly kind: 'https_spiffe';
  /** The one SPIFFE ID that the endpoint, and whatever it redirects to, must prove. */
  readonly endpointId: WorkloadIdLike;
  /**
   * What the endpoint is verified with. Where its SPIFFE ID is in the trust domain whose bundle it serves: for the first
   * fetch only; every later one is verified with the newest bundle fetched. Otherwise, and then it is best a source
   * which stays fresh (another federated source will do): for every fetch.
   */
  readonly bootstrap: SpiffeBundle | X509Bundle | X509BundleSource;
}

/** How a bundle endpoint is authenticated. */
export type EndpointProfile = HttpsWebProfile | HttpsSpiffeProfile;

/** How one fetch, redirects included, tells the right server from any other. */
export interface ServerCheck {
  /** What Node is to look at itself. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized' | 'checkServerIdentity'>;
  /** Called after the handshake. Throws a `FederationError` to refuse the server. */
  verify(socket: TLSSocket): void;
}

/** A profile that was read, for the endpoint of one trust domain. */
export interface ServerChecks {
  /** A bundle of the same trust domain that the operator gave: no older one is taken from the endpoint. */
  readonly bootstrap: SpiffeBundle | undefined;
  /** @throws `FederationError` `no_endpoint_bundle`. */
  next(newest: SpiffeBundle | undefined): ServerCheck;
}

/** @throws `TypeError` for a profile that is none, `IdError` for an endpoint identifier that is none. */
export function readProfile(profile: EndpointProfile, trustDomain: TrustDomain, clock: Clock): ServerChecks {
  switch (profile?.kind) {
    case 'https_web':
      return webChecks(profile);
    case 'https_spiffe':
      return spiffeChecks(profile, trustDomain, clock);
    default:
      throw new TypeError('profile.kind must be https_web or https_spiffe: it cannot be guessed from the URL');
  }
}

function webChecks({ ca }: HttpsWebProfile): ServerChecks {
  const roots = ca === undefined ? undefined : checkRoots(typeof ca === 'string' ? [ca] : [...ca]);
  const check: ServerCheck = {
    // Said aloud, because the environment may turn it off.
    tls: { rejectUnauthorized: true, ...(roots !== undefined && { ca: roots }) },
    verify(socket) {
      if (!socket.authorized) throw new FederationError('endpoint_untrusted', 'the endpoint was not verified');
    },
  };
  return { bootstrap: undefined, next: () => check };
}

/** Node takes no root at all from what it cannot read, and its own for an empty text. */
function checkRoots(roots: readonly string[]): string[] {
  const readable = (pem: string): boolean => {
    try {
      return typeof pem === 'string' && new X509Certificate(pem).raw.byteLength > 0;
    } catch {
      return false;
    }
  };
  if (roots.length > 0 && roots.every(readable)) return [...roots];
  throw new TypeError('profile.ca must be root certificates in PEM, or be left out');
}

function spiffeChecks(profile: HttpsSpiffeProfile, trustDomain: TrustDomain, clock: Clock): ServerChecks {
  const { bootstrap } = profile;
  const endpointId = parseSpiffeId(profile.endpointId);
  if (endpointId.path === '') throw new TypeError('profile.endpointId must be the SPIFFE ID of a workload');
  const bootstrapOf = readBootstrap(bootstrap, endpointId.trustDomain);
  const selfServing = endpointId.trustDomain.equals(trustDomain);
  return {
    bootstrap: selfServing && bootstrap instanceof SpiffeBundle ? bootstrap : undefined,
    next(newest) {
      const bundle = selfServing && newest !== undefined ? newest.x509 : bootstrapOf();
      const bundles: X509BundleSource = {
        getX509Bundle: (wanted) => (bundle.trustDomain.equals(wanted) ? bundle : undefined),
      };
      return {
        // Node neither judges the server nor completes its chain: verify() decides.
        tls: { ca: [], rejectUnauthorized: false, checkServerIdentity: () => undefined },
        verify(socket) {
          const { id } = verifyPresented(socket, bundles, clock);
          if (id.equals(endpointId)) return;
          throw new FederationError('endpoint_mismatch', `the endpoint is ${id} and not ${endpointId}`);
        },
      };
    },
  };
}

function readBootstrap(bootstrap: HttpsSpiffeProfile['bootstrap'], endpointDomain: TrustDomain): () => X509Bundle {
  const fixed = bootstrap instanceof SpiffeBundle ? bootstrap.x509 : bootstrap;
  if (fixed instanceof X509Bundle) {
    if (fixed.trustDomain.equals(endpointDomain)) return () => fixed;
    throw new TypeError(`the bootstrap bundle is of ${fixed.trustDomain}, the endpoint is in ${endpointDomain}`);
  }
  if (typeof fixed?.getX509Bundle !== 'function') {
    throw new TypeError('profile.bootstrap must be a SpiffeBundle, an X509Bundle or have a method getX509Bundle()');
  }
  return () => {
    let bundle: X509Bundle | undefined;
    let cause: unknown;
    try {
      bundle = fixed.getX509Bundle(endpointDomain);
    } catch (error) {
      cause = error;
    }
    if (bundle?.trustDomain.equals(endpointDomain)) return bundle;
    throw new FederationError('no_endpoint_bundle', `no X.509 bundle is held for ${endpointDomain}`, { cause });
  };
}

/** Verifies with the narrowest view of what was presented that suffices; when none does, throws what the widest gave. */
function verifyPresented(socket: TLSSocket, bundles: X509BundleSource, clock: Clock): VerifiedX509Svid {
  let seen = 0;
  let refusal: unknown;
  for (const read of PRESENTED_VIEWS) {
    const chain = read(socket);
    if (chain.length <= seen) continue;
    seen = chain.length;
    try {
      return verifyX509Svid(chain, bundles, { purpose: 'server', clock });
    } catch (error) {
      refusal = error;
    }
  }
  const why = refusal instanceof Error ? refusal.message : 'it presented none';
  throw new FederationError('endpoint_untrusted', `the endpoint's certificate is refused: ${why}`, { cause: refusal });
}
