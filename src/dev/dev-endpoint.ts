import { join } from 'node:path';
import type { SpiffeBundle } from '../bundle/index.js';
import { DevError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomainLike } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import { tell } from '../internal/tell.js';
import type { Issuer } from '../issuer/index.js';
import { formatEndpointAddress } from '../workload-api/index.js';
import { checkIdentities, type DevIdentity } from './dev-identity.js';
import { DevWorkload } from './dev-workload.js';
import { listen, readListenAddress } from './listen.js';
import { ServedWorkload } from './served-workload.js';
import type { SocketDirectory } from './socket-path.js';
import { createTrust, type Trust } from './trust.js';
import { admit, createWorkloadService } from './workload-service.js';

/** How {@link DevEndpoint.addWorkload} serves a workload. */
export interface AddWorkloadOptions {
  /**
   * Where to serve it: `unix:///path` or, on loopback, `tcp://127.0.0.1:port` with 0 for a free port. Default: a new
   * socket in the endpoint's directory. Over TCP every user of the machine can take the identity.
   */
  readonly address?: string | undefined;
}

/** What an endpoint is made of. */
export interface DevEndpointInit {
  readonly issuer: Issuer;
  readonly directory: SocketDirectory;
  readonly ttlSeconds: {
    readonly x509: number | undefined;
    readonly jwt: number | undefined;
    readonly wit: number | undefined;
  };
  readonly rotateAt: number;
  readonly wit: boolean;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/**
 * A Workload API endpoint in this process, made by `createDevEndpoint`.
 *
 * A SPIFFE agent asks the kernel which process is calling. A Node server cannot, so here the socket is the answer: each
 * workload has its own, and whoever can open it is that workload. The sockets are therefore for this user alone.
 */
export class DevEndpoint implements AsyncDisposable {
  /**
   * Who issues the identities. Rotating or revoking its authorities, or revoking an X.509-SVID, reaches every open
   * stream.
   */
  readonly issuer: Issuer;
  readonly #init: DevEndpointInit;
  readonly #workloads = new Map<DevWorkload, ServedWorkload>();
  readonly #starting = new Set<ServedWorkload>();
  readonly #stop = new AbortController();
  #trust: Trust;
  #count = 0;
  #closing: Promise<void> | undefined;

  constructor(init: DevEndpointInit) {
    this.issuer = init.issuer;
    this.#init = init;
    this.#trust = createTrust(init.issuer, []);
    const { signal } = this.#stop;
    for (const changes of [this.issuer.updates({ signal }), this.issuer.crlUpdates({ signal })]) {
      this.#follow(changes).catch((error: unknown) => {
        if (!signal.aborted) tell(init.onError, error);
      });
    }
  }

  /** The workloads that are served now. */
  get workloads(): readonly DevWorkload[] {
    return [...this.#workloads.keys()];
  }

  /**
   * Serves a workload at a socket of its own. The first identity is its default one.
   *
   * @throws `DevError` with the rule that refused.
   * @throws `IdError` or `IssuerError` when an identity cannot be issued here.
   */
  async addWorkload(
    identities: string | readonly DevIdentity[],
    options: AddWorkloadOptions = {},
  ): Promise<DevWorkload> {
    this.#checkOpen();
    const { issuer, ttlSeconds, wit, clock, rotateAt, onError } = this.#init;
    const address = readListenAddress(options.address ?? this.#nextAddress());
    const served = new ServedWorkload({
      identities: checkIdentities(identities),
      trust: this.#trust,
      issuer,
      ttlSeconds,
      wit,
      clock,
      rotateAt,
      onError,
    });
    this.#starting.add(served);
    try {
      await served.rotate();
      this.#checkOpen();
      const service = createWorkloadService({ served, issuer, clock, wit, jwtTtlSeconds: ttlSeconds.jwt });
      const listener = await listen(address, service, { admit, onError });
      const workload: DevWorkload = new DevWorkload({
        address: formatEndpointAddress(listener.address),
        served,
        close: async () => {
          this.#workloads.delete(workload);
          await listener.close();
          served.close();
        },
      });
      this.#workloads.set(workload, served);
      if (this.#closing) await workload.close();
      this.#checkOpen();
      return workload;
    } catch (error) {
      served.close();
      throw error;
    } finally {
      this.#starting.delete(served);
    }
  }

  /**
   * Tells every workload of a foreign trust domain's bundle, in place of an earlier one of that trust domain.
   *
   * @throws `DevError` `own_trust_domain` or `closed`.
   */
  async federate(bundle: SpiffeBundle): Promise<void> {
    this.#checkOpen();
    if (bundle.trustDomain.equals(this.issuer.trustDomain)) {
      throw new DevError('own_trust_domain', `${bundle.trustDomain} is issued here and needs no federation`);
    }
    const at = this.#trust.federated.findIndex((known) => known.trustDomain.equals(bundle.trustDomain));
    const federated = at < 0 ? [...this.#trust.federated, bundle] : this.#trust.federated.with(at, bundle);
    await this.#setTrust(createTrust(this.issuer, federated));
  }

  /** Takes the bundle of a foreign trust domain back from every workload. */
  async unfederate(trustDomain: TrustDomainLike): Promise<void> {
    this.#checkOpen();
    const gone = parseTrustDomain(trustDomain);
    const federated = this.#trust.federated.filter((known) => !known.trustDomain.equals(gone));
    await this.#setTrust(createTrust(this.issuer, federated));
  }

  /** Issues fresh credentials for every workload and pushes them to every open stream. */
  async rotate(): Promise<void> {
    this.#checkOpen();
    await Promise.all(this.#all().map((served) => served.rotate()));
  }

  /** Ends every stream with Unavailable, and removes every socket and the directory. May be called again. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    for (const served of this.#starting) served.close();
    await Promise.all(this.workloads.map((workload) => workload.close()));
    await this.#init.directory.remove();
  }

  /** Whichever change comes first brings everything that has changed by then. */
  async #follow(changes: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of changes) {
      const { own, federated, crls } = this.#trust;
      if (this.issuer.bundle === own && this.issuer.getX509Crls() === crls) continue;
      await this.#setTrust(createTrust(this.issuer, federated));
    }
  }

  async #setTrust(trust: Trust): Promise<void> {
    this.#trust = trust;
    await Promise.all(this.#all().map((served) => served.setTrust(trust)));
  }

  #all(): readonly ServedWorkload[] {
    return [...this.#workloads.values(), ...this.#starting];
  }

  #nextAddress(): string {
    this.#count += 1;
    const path = join(this.#init.directory.path, `workload-${this.#count}.sock`);
    return formatEndpointAddress({ transport: 'unix', path });
  }

  #checkOpen(): void {
    if (this.#closing) throw new DevError('closed', 'the endpoint is closed');
  }
}
