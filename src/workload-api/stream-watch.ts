import { WorkloadApiError, type WorkloadApiErrorCode } from '../errors/index.js';
import { openScope, sleep } from '../internal/abort.js';
import type { Backoff } from '../internal/backoff.js';
import type { Clock } from '../internal/clock.js';
import { noMessageWithin } from './convert-stream.js';
import type { IdentityOfEvent, PublishSourceEvent, WorkloadApiEvent } from './events.js';
import { ExpiryWatch } from './expiry-watch.js';

/** An identity that a delivery has to present. */
export interface HeldIdentity {
  readonly id: { toString(): string };
  readonly expiresAt: Date;
  equals(other: HeldIdentity): boolean;
}

/** What is watched: one stream of the endpoint, and what its messages mean. */
export interface StreamFeed<M, T> {
  /** What is delivered, for messages: `X.509-SVIDs`. */
  readonly name: string;
  /** Opens the stream once. */
  open(signal: AbortSignal): AsyncIterable<M>;
  /**
   * Reads a message, knowing what is held; throws to refuse it. With `permission_denied` the message says that nothing is
   * granted any more.
   */
  convert(message: M, held: T | undefined): T;
  /** Whether two deliveries mean the same. */
  same(one: T, other: T): boolean;
  /** What is wrong with an accepted delivery. Default: nothing ever is. */
  problems?(value: T): readonly WorkloadApiError[];
  /** The identity to present, of those delivered. Default: none, as with bundles. */
  identity?(value: T): HeldIdentity | undefined;
  /** Called with every PermissionDenied, whether or not something was held. */
  onDenied?(): void;
  /** Called when a delivery takes the place of one that means something else. */
  onReplaced?(previous: T, next: T): void;
}

export interface StreamWatchOptions {
  /** Of the endpoint, for events. */
  readonly address: string;
  readonly publish: PublishSourceEvent;
  /** The delays between attempts; of this watch alone. */
  readonly backoff: Backoff;
  /** By which identities expire. */
  readonly clock: Clock;
  /** Has the next attempt use a connection that was made after this instant of `performance.now()`. */
  readonly renewConnection: (since: number) => void;
  /** Limit for the first message of each stream, in milliseconds: an agent may accept connections and yet hang. */
  readonly firstMessageTimeoutMs: number;
  /** Told of every failure, as it happens. */
  readonly onError: (error: WorkloadApiError) => void;
  /** Told when what {@link StreamWatch.read} gives has changed, or when the watch has stopped for good. */
  readonly onChange: (what: 'value' | 'stop') => void;
}

/**
 * The life of the stream beneath:
 * - `connecting`: asked, nothing answered so far; also after it was lost.
 * - `open`: at least one message came on the present stream.
 * - `waiting`: between two attempts.
 * - `stopped`: the endpoint said what will not change by asking again, or the client was closed.
 * - `closed`: by {@link StreamWatch.close}.
 */
export type LinkState = 'connecting' | 'open' | 'waiting' | 'stopped' | 'closed';

/**
 * What the endpoint delivered last, which is independent of the link: a lost stream takes nothing away, and only
 * PermissionDenied withdraws (SPIFFE_Workload_API section 5.2.1).
 */
type Held<T> =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'withdrawn'; readonly cause: WorkloadApiError };

/** SPIFFE_Workload_Endpoint appendix A: to be reported, not retried. A closed client cannot be retried either. */
const FINAL_CODES: ReadonlySet<WorkloadApiErrorCode> = new Set(['invalid_argument', 'unimplemented', 'closed']);

/** Watches one stream for as long as it is not closed, and keeps the newest delivery. Never throws by itself. */
export class StreamWatch<T> {
  readonly #name: string;
  readonly #options: StreamWatchOptions;
  readonly #closing = new AbortController();
  #link: LinkState = 'connecting';
  #held: Held<T> = { kind: 'nothing' };
  #lastError: WorkloadApiError | undefined;
  #stopError: WorkloadApiError | undefined;
  #expired: HeldIdentity | undefined;

  constructor(name: string, options: StreamWatchOptions) {
    this.#name = name;
    this.#options = options;
  }

  /** Starts watching and returns at once. */
  static start<M, T>(feed: StreamFeed<M, T>, options: StreamWatchOptions): StreamWatch<T> {
    const watch = new StreamWatch<T>(feed.name, options);
    // Nothing in it throws but a random source or clock of the caller's; then there are no further attempts.
    watch.#run(feed).catch((error) => watch.#stop(asWorkloadApiError(error)));
    return watch;
  }

  get link(): LinkState {
    return this.#link;
  }

  /** The newest failure since the last delivery that had none. */
  get lastError(): WorkloadApiError | undefined {
    return this.#lastError;
  }

  /** Why there will be no further attempt. */
  get stopError(): WorkloadApiError | undefined {
    return this.#stopError;
  }

  /** The newest delivery. @throws `WorkloadApiError` `not_ready`, `withdrawn`, or why the watch has stopped. */
  read(): T {
    if (this.#held.kind === 'value') return this.#held.value;
    if (this.#stopError !== undefined) throw this.#stopError;
    if (this.#held.kind === 'withdrawn') {
      const { cause } = this.#held;
      throw new WorkloadApiError('withdrawn', `the endpoint no longer grants this workload ${this.#name}`, { cause });
    }
    const cause = this.#lastError;
    const why = cause === undefined ? '' : `: ${cause.message}`;
    throw new WorkloadApiError('not_ready', `the endpoint has not delivered ${this.#name} so far${why}`, { cause });
  }

  /** Tells, once for each, that an identity is not presented because it has expired. */
  noteExpiry(identity: HeldIdentity): void {
    if (this.#expired === identity) return;
    this.#expired = identity;
    this.#options.publish('expiry', () => ({ ...this.#origin, ...describe(identity) }));
  }

  /** Ends the stream and every timer, and forgets what was delivered. May be called again. */
  close(): void {
    this.#link = 'closed';
    this.#held = { kind: 'nothing' };
    this.#closing.abort(new WorkloadApiError('closed', 'the source was closed'));
  }

  async #run<M>(feed: StreamFeed<M, T>): Promise<void> {
    const { signal } = this.#closing;
    const { backoff } = this.#options;
    while (!signal.aborted) {
      const failure = await this.#follow(feed, () => backoff.reset());
      if (signal.aborted) return;
      this.#refused(feed, failure);
      if (FINAL_CODES.has(failure.code)) return this.#stop(failure);
      this.#link = 'waiting';
      await sleep(backoff.next(), { signal }).catch(() => {});
      if (!signal.aborted) this.#link = 'connecting';
    }
  }

  /**
   * Follows one stream to its end, and says how it ended. A stream may be dead without having ended. So when what it has
   * delivered expires and nothing newer has come, it is given up together with its connection.
   */
  async #follow<M>(feed: StreamFeed<M, T>, onAccepted: () => void): Promise<WorkloadApiError> {
    const timeoutMs = this.#options.firstMessageTimeoutMs;
    const onTimeout = () => noMessageWithin(timeoutMs);
    const scope = openScope({ signal: this.#closing.signal, timeoutMs, onTimeout });
    const openedAt = performance.now();
    using expiry = new ExpiryWatch<HeldIdentity>(this.#options.clock, ({ id, expiresAt }) => {
      this.#options.renewConnection(openedAt);
      scope.abort(nothingNewer(this.#name, `${id}`, expiresAt));
    });
    try {
      for await (const message of feed.open(scope.signal)) {
        scope.stopTimer();
        if (scope.signal.aborted) break;
        if (this.#link !== 'open') this.#options.publish('connect', () => this.#origin);
        this.#link = 'open';
        if (this.#deliver(feed, message)) onAccepted();
        const held = this.#value;
        expiry.follow(held === undefined ? undefined : feed.identity?.(held));
      }
      return new WorkloadApiError('stream_ended', `the endpoint ended its stream of ${this.#name}`);
    } catch (error) {
      return asWorkloadApiError(error);
    } finally {
      scope[Symbol.dispose]();
    }
  }

  /** Says whether it was of use: what is refused or has expired must not make the next attempts more frequent. */
  #deliver<M>(feed: StreamFeed<M, T>, message: M): boolean {
    const known = this.#value;
    let value: T;
    try {
      value = feed.convert(message, known);
    } catch (error) {
      // The stream stays: its next message may be sound, and opening another would only bring this one again.
      this.#refused(feed, asWorkloadApiError(error));
      return false;
    }
    this.#lastError = undefined;
    if (known === undefined || !feed.same(known, value)) {
      this.#held = { kind: 'value', value };
      if (known !== undefined) feed.onReplaced?.(known, value);
      this.#options.onChange('value');
      this.#publishUpdate(feed, known, value);
    }
    for (const problem of feed.problems?.(value) ?? []) this.#note(problem);
    const identity = feed.identity?.(value);
    return identity === undefined || this.#options.clock() < identity.expiresAt.getTime();
  }

  #refused<M>(feed: StreamFeed<M, T>, failure: WorkloadApiError): void {
    this.#note(failure);
    if (failure.code !== 'permission_denied') return;
    feed.onDenied?.();
    this.#withdraw(failure);
  }

  #withdraw(cause: WorkloadApiError): void {
    if (this.#held.kind !== 'value') return;
    this.#held = { kind: 'withdrawn', cause };
    this.#options.onChange('value');
    this.#options.publish('withdrawal', () => this.#origin);
  }

  #stop(cause: WorkloadApiError): void {
    this.#link = 'stopped';
    this.#stopError = cause;
    this.#options.onChange('stop');
  }

  #note(error: WorkloadApiError): void {
    this.#lastError = error;
    const { code, message, grpcStatus } = error;
    this.#options.publish('error', () => ({ ...this.#origin, code, message, grpcStatus }));
    this.#options.onError(error);
  }

  #publishUpdate<M>(feed: StreamFeed<M, T>, previous: T | undefined, value: T): void {
    const identity = feed.identity?.(value);
    this.#options.publish('update', () => ({ ...this.#origin, ...(identity === undefined ? {} : describe(identity)) }));
    const old = previous === undefined ? undefined : feed.identity?.(previous);
    if (identity === undefined || old === undefined || identity.equals(old)) return;
    this.#options.publish('rotation', () => ({
      ...this.#origin,
      ...describe(identity),
      previousId: old.id.toString(),
      previousExpiresAt: old.expiresAt,
    }));
  }

  get #value(): T | undefined {
    return this.#held.kind === 'value' ? this.#held.value : undefined;
  }

  get #origin(): WorkloadApiEvent {
    return { address: this.#options.address, stream: this.#name };
  }
}

function nothingNewer(name: string, id: string, expiresAt: Date): WorkloadApiError {
  const when = `${id} has expired at ${expiresAt.toISOString()}`;
  return new WorkloadApiError(
    'timeout',
    `${when} and nothing newer has come; ${name} are asked for on a new connection`,
  );
}

/** The getters give a fresh Date each time, so an event has its own. */
function describe(identity: HeldIdentity): IdentityOfEvent {
  return { id: identity.id.toString(), expiresAt: identity.expiresAt };
}

/** The stream throws nothing else, and neither do the readers; a fault of svidkit itself must not go unnoticed. */
function asWorkloadApiError(error: unknown): WorkloadApiError {
  if (error instanceof WorkloadApiError) return error;
  return new WorkloadApiError('bad_message', 'a message could not be read', { cause: error });
}
