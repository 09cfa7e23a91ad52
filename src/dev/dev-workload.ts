import type { SpiffeId } from '../id/index.js';
import { checkIdentities, type DevIdentity } from './dev-identity.js';
import type { ServedWorkload } from './served-workload.js';

/** What a workload of the endpoint is made of. */
export interface DevWorkloadInit {
  readonly address: string;
  readonly served: ServedWorkload;
  /** Closes the socket. Called once. */
  readonly close: () => Promise<void>;
}

/** One workload and the socket at which it is served, made by `DevEndpoint.addWorkload`. */
export class DevWorkload implements AsyncDisposable {
  /** What the workload's `SPIFFE_ENDPOINT_SOCKET` should hold. */
  readonly address: string;
  readonly #served: ServedWorkload;
  readonly #close: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(init: DevWorkloadInit) {
    this.address = init.address;
    this.#served = init.served;
    this.#close = init.close;
  }

  /** The identities of the workload, the default one first, also while they are withdrawn. */
  get ids(): readonly SpiffeId[] {
    return this.#served.ids;
  }

  /** Whether the identities are withdrawn. */
  get withdrawn(): boolean {
    return !this.#served.entitled;
  }

  /** Issues fresh credentials and pushes them to every open stream. Does nothing while the identities are withdrawn. */
  async rotate(): Promise<void> {
    await this.#served.rotate();
  }

  /**
   * Gives the workload other identities, with fresh credentials for every one of them on every open stream.
   *
   * @throws `DevError` `bad_hint`.
   * @throws `IdError` or `IssuerError` when an identity cannot be issued; the old ones then stay.
   */
  async setIdentities(identities: string | readonly DevIdentity[]): Promise<void> {
    await this.#served.setIdentities(checkIdentities(identities));
  }

  /**
   * Takes every identity away: open streams end with PermissionDenied, and so does every new call. Only
   * ValidateJWTSVID keeps answering, as it does in SPIRE, because it asks about somebody else's identity.
   */
  withdraw(): void {
    this.#served.withdraw();
  }

  /** Entitles the workload again, with fresh credentials. */
  async restore(): Promise<void> {
    await this.#served.restore();
  }

  /** Ends every stream with Unavailable and removes the socket. May be called again. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
