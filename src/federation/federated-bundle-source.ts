import type {
  JwtBundle,
  JwtBundleSource,
  SpiffeBundle,
  WitBundle,
  WitBundleSource,
  X509Bundle,
  X509BundleSource,
} from '../bundle/index.js';
import { FederationError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import { openScope, sleep } from '../internal/abort.js';
import { holdProcess } from '../internal/hold-process.js';
import { Latest } from '../internal/latest.js';
import { tell } from '../internal/tell.js';
import {
  type BundleEndpoint,
  type BundleEndpointOptions,
  checkSequence,
  fetchFrom,
  readEndpoint,
} from './fetch-spiffe-bundle.js';
import {
  type FirstFetchBackoff,
  type RefreshBounds,
  type RefreshSchedule,
  refreshSchedule,
} from './refresh-schedule.js';

/** How {@link createFederatedBundleSource} is to fetch, and how often. */
export interface FederatedBundleSourceOptions extends BundleEndpointOptions {
  /** Bounds of the interval that the bundle's refresh hint asks for. */
  readonly refresh?: RefreshBounds | undefined;
  /** The delays between attempts while no bundle was fetched so far. */
  readonly backoff?: FirstFetchBackoff | undefined;
  /** Whether the open source keeps the process alive. Default false: a process with nothing else to do ends. */
  readonly keepProcessAlive?: boolean | undefined;
  /**
   * Told of every failed fetch and refused bundle, and of `sequence_reused`, as it happens. What it throws is ignored.
   * Default: nobody is told, but `health.lastError` has the newest one.
   */
  readonly onError?: ((error: FederationError) => void) | undefined;
}

export interface FederationReadyOptions {
  /** Ends the waiting with the reason of the abort. The source goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time to wait, in milliseconds; then `not_ready`, with the last failure as `cause`. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

export interface FederationUpdatesOptions {
  /** Ends the iteration with the reason of the abort. The source goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** How a source is doing. A snapshot: read it again for news. */
export interface FederationHealth {
  /** When a bundle was last fetched and accepted, unchanged ones included; `undefined` before the first. */
  readonly fetchedAt: Date | undefined;
  /** When the next fetch begins; `undefined` while one is under way and when the source is closed. */
  readonly nextFetchAt: Date | undefined;
  /** What went wrong since the last fetch that had no fault. */
  readonly lastError: FederationError | undefined;
}

/**
 * The bundle of another trust domain, kept fresh from its bundle endpoint. It answers for exactly that trust domain and
 * is never merged with another: give it to a verifier next to other sources. Made by
 * {@link createFederatedBundleSource}.
 *
 * A fetch that fails takes nothing away: the last good bundle is held until a better one comes, however long that is;
 * `health` says how old it is.
 */
export class FederatedBundleSource implements X509BundleSource, JwtBundleSource, WitBundleSource, AsyncDisposable {
  readonly trustDomain: TrustDomain;
  readonly #endpoint: BundleEndpoint;
  readonly #schedule: RefreshSchedule;
  readonly #onError: ((error: FederationError) => void) | undefined;
  readonly #held: Latest<SpiffeBundle | undefined> = new Latest<SpiffeBundle | undefined>(undefined);
  readonly #closing = new AbortController();
  readonly #release: () => void;
  /** The highest sequence number seen. Bundles without one leave it as it is, so that they cannot make room for old ones. */
  #highestSequence: bigint | undefined;
  #fetchedAt: number | undefined;
  #nextFetchAt: number | undefined;
  #lastError: FederationError | undefined;

  /** @internal */
  constructor(options: FederatedBundleSourceOptions) {
    this.#endpoint = readEndpoint(options);
    this.#schedule = refreshSchedule(options.refresh, options.backoff);
    this.trustDomain = this.#endpoint.trustDomain;
    this.#highestSequence = this.#endpoint.checks.bootstrap?.sequence;
    this.#onError = options.onError;
    this.#release = options.keepProcessAlive ? holdProcess() : () => {};
    void this.#run();
  }

  /**
   * The bundle fetched last. Immutable; a newer one is another object.
   *
   * @throws `FederationError` `not_ready` or `closed`.
   */
  get current(): SpiffeBundle {
    this.#checkOpen();
    const bundle = this.#held.current;
    if (bundle === undefined) throw this.#notReady();
    return bundle;
  }

  /**
   * The X.509 authorities of the trust domain; `undefined` for any other trust domain, and as long as none were fetched.
   *
   * @throws `FederationError` `closed`.
   */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.#bundleFor(trustDomain)?.x509;
  }

  /** As {@link FederatedBundleSource.getX509Bundle}, for the keys of JWT-SVIDs. */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.#bundleFor(trustDomain)?.jwt;
  }

  /** As {@link FederatedBundleSource.getX509Bundle}, for the keys of Workload Identity Tokens. */
  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined {
    return this.#bundleFor(trustDomain)?.wit;
  }

  get health(): FederationHealth {
    return {
      fetchedAt: dateOf(this.#fetchedAt),
      nextFetchAt: dateOf(this.#nextFetchAt),
      lastError: this.#lastError,
    };
  }

  /**
   * Resolves as soon as {@link current} can be read. Keeps the process alive while it waits.
   *
   * @throws `FederationError` `not_ready` when the time is up, `closed`; or the reason of an abort.
   */
  async ready(options: FederationReadyOptions = {}): Promise<void> {
    const { signal, timeoutMs } = options;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number');
    const scope = openScope({ signal, timeoutMs, onTimeout: () => this.#notReady() });
    const release = holdProcess();
    try {
      for await (const bundle of this.#held.values({ signal: scope.signal })) {
        if (bundle !== undefined) break;
      }
      this.#checkOpen();
    } finally {
      release();
      scope[Symbol.dispose]();
    }
  }

  /**
   * The current bundle, then each newer one that has other contents. A slow reader skips what was replaced in the
   * meantime. `break` frees the iterator and closing the source ends it. Waiting does not keep the process alive;
   * `keepProcessAlive` does.
   */
  updates(options: FederationUpdatesOptions = {}): AsyncIterable<SpiffeBundle> {
    return {
      [Symbol.asyncIterator]: () => {
        const values = this.#held.values(options);
        return {
          next: async () => {
            for (;;) {
              const { done, value } = await values.next();
              if (done) return { done, value: undefined };
              if (value !== undefined) return { done: false, value };
            }
          },
          return: async () => {
            await values.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  /** Ends the fetch and the timer that may be running; whoever waits gets `closed`. May be called again. */
  async close(): Promise<void> {
    this.#closing.abort(new FederationError('closed', 'the federated source was closed'));
    this.#nextFetchAt = undefined;
    this.#held.end();
    this.#release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Never rejects: a fault that is not expected here counts as a failed fetch. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#nextFetchAt = undefined;
      await this.#refresh(signal);
      if (signal.aborted) return;
      const delayMs = this.#schedule.delayMs(this.#held.current);
      this.#nextFetchAt = this.#now() + delayMs;
      await sleep(delayMs, { signal }).catch(() => {});
    }
  }

  /** For `health` alone, so that a clock which throws takes nothing else with it. */
  #now(): number {
    try {
      return this.#endpoint.clock();
    } catch {
      return Number.NaN;
    }
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const held = this.#held.current;
    try {
      const fetched = await fetchFrom(this.#endpoint, held, signal);
      if (signal.aborted) return;
      checkSequence(fetched, this.#highestSequence);
      this.#highestSequence = fetched.sequence ?? this.#highestSequence;
      this.#fetchedAt = this.#now();
      this.#lastError = undefined;
      if (held?.equals(fetched)) return;
      this.#held.set(fetched);
      if (held !== undefined) this.#checkReuse(fetched, held);
    } catch (error) {
      if (!signal.aborted) this.#note(asFederationError(error));
    }
  }

  #checkReuse(fetched: SpiffeBundle, held: SpiffeBundle): void {
    if (fetched.sequence === undefined || fetched.sequence !== held.sequence || sameKeys(fetched, held)) return;
    const what = `the bundle of ${this.trustDomain} has changed and kept sequence ${held.sequence}`;
    this.#note(new FederationError('sequence_reused', what));
  }

  #note(error: FederationError): void {
    this.#lastError = error;
    tell(this.#onError, error);
  }

  #bundleFor(trustDomain: TrustDomain): SpiffeBundle | undefined {
    this.#checkOpen();
    return this.trustDomain.equals(trustDomain) ? this.#held.current : undefined;
  }

  #checkOpen(): void {
    this.#closing.signal.throwIfAborted();
  }

  #notReady(): FederationError {
    const cause = this.#lastError;
    const why = cause === undefined ? '' : `: ${cause.message}`;
    return new FederationError('not_ready', `no bundle of ${this.trustDomain} was fetched so far${why}`, { cause });
  }
}

/**
 * Makes a source of the bundle of one other trust domain and starts to fetch at once; `ready()` tells when it is here.
 * Then it looks for a newer one as often as the bundle's refresh hint says, within bounds (SPIFFE_Federation sections 4
 * to 6). A bundle with a lower sequence number than the highest one fetched so far is refused, whether or not bundles
 * without a number came in between; so is one with a lower number than that of a bootstrap bundle of the same trust
 * domain. A trust domain that begins to count anew needs a new source.
 *
 * Where a self-serving `https_spiffe` endpoint changes its authorities faster than they can be followed, its own newest
 * bundle no longer verifies it, and fetches fail with `endpoint_untrusted`: make a new source with a new bootstrap.
 *
 * @throws `FederationError` `bad_url`; `TypeError` or `IdError` when an option is missing or wrong.
 */
export function createFederatedBundleSource(options: FederatedBundleSourceOptions): FederatedBundleSource {
  return new FederatedBundleSource(options);
}

function sameKeys(one: SpiffeBundle, other: SpiffeBundle): boolean {
  return one.x509.equals(other.x509) && one.jwt.equals(other.jwt) && one.wit.equals(other.wit);
}

function dateOf(instant: number | undefined): Date | undefined {
  return instant === undefined ? undefined : new Date(instant);
}

function asFederationError(error: unknown): FederationError {
  if (error instanceof FederationError) return error;
  return new FederationError('bad_response', 'the fetch failed', { cause: error });
}
