import { parseTrustDomain, type TrustDomainLike } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { createIssuer, type Issuer } from '../issuer/index.js';
import { DevEndpoint } from './dev-endpoint.js';
import { openSocketDirectory } from './socket-path.js';

/** How {@link createDevEndpoint} makes an endpoint. */
export interface DevEndpointOptions {
  /** The trust domain to serve. Default: `example.org`, or that of the issuer. */
  readonly trustDomain?: TrustDomainLike | undefined;
  /** Who issues the identities. Default: a new issuer of the trust domain. */
  readonly issuer?: Issuer | undefined;
  /**
   * Where sockets are made. Made with mode 0700 and removed on close if it is not there; left as it is if it is.
   * Default: a fresh directory of mode 0700, removed on close.
   */
  readonly directory?: string | undefined;
  /** Lifetime of X.509-SVIDs in seconds. Default: the issuer's, 3600 for a new one. */
  readonly x509TtlSeconds?: number | undefined;
  /** Lifetime of WIT-SVIDs in seconds. Default: the issuer's, 3600 for a new one. */
  readonly witTtlSeconds?: number | undefined;
  /** Lifetime of JWT-SVIDs in seconds. Default: the issuer's, 300 for a new one. */
  readonly jwtTtlSeconds?: number | undefined;
  /**
   * After which part of the shortest lifetime the credentials of a workload are replaced, between 0 and 1. Default: 0.5.
   */
  readonly rotateAt?: number | undefined;
  /** Whether the optional WIT-SVID profile is served. Default: true. Without it, its calls answer Unimplemented. */
  readonly wit?: boolean | undefined;
  /** The time that credentials are issued, verified and rotated by. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Told of what fails behind the scenes, such as a rotation. What it throws is ignored. Default: a process warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * Makes a Workload API endpoint in this process, for development and tests: any SPIFFE client can use it as it uses
 * SPIRE's, with an address for each workload that {@link DevEndpoint.addWorkload} gives. It keeps the process alive
 * until it is closed.
 *
 * ```ts
 * await using endpoint = await createDevEndpoint({ trustDomain: 'example.org' });
 * const planner = await endpoint.addWorkload('spiffe://example.org/agents/planner');
 * process.env.SPIFFE_ENDPOINT_SOCKET = planner.address;
 * ```
 *
 * @throws `IdError` when the trust domain is malformed.
 * @throws `DevError` `listen_failed` when the directory cannot be made.
 * @throws `TypeError` when an option is out of range.
 */
export async function createDevEndpoint(options: DevEndpointOptions = {}): Promise<DevEndpoint> {
  const { rotateAt = 0.5, clock = systemClock, wit = true, onError = warn } = options;
  if (!(rotateAt > 0 && rotateAt < 1)) throw new TypeError('rotateAt must be between 0 and 1');
  const issuer =
    options.issuer ?? (await createIssuer({ ...options, trustDomain: options.trustDomain ?? 'example.org' }));
  if (options.trustDomain !== undefined && !issuer.trustDomain.equals(parseTrustDomain(options.trustDomain))) {
    throw new TypeError('trustDomain is not the trust domain of the issuer');
  }
  const ttlSeconds = { x509: options.x509TtlSeconds, jwt: options.jwtTtlSeconds, wit: options.witTtlSeconds };
  const directory = await openSocketDirectory(options.directory);
  return new DevEndpoint({ issuer, directory, ttlSeconds, rotateAt, wit, clock, onError });
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
