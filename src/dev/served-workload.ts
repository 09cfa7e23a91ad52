import type { SpiffeId } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import { Latest } from '../internal/latest.js';
import { tell } from '../internal/tell.js';
import { LONGEST_TIMER_MS } from '../internal/timers.js';
import type { CheckedIdentity } from './dev-identity.js';
import { type IdentitySet, type IdentitySetInit, issueIdentitySet, stillVerifies } from './identity-set.js';
import type { Trust } from './trust.js';

/** What a workload is served at one time. */
export interface ServedState {
  /** `undefined` while the workload is entitled to nothing. */
  readonly identities: IdentitySet | undefined;
  readonly trust: Trust;
  /** Grows with every withdrawal, so that a stream which slept through one still ends. */
  readonly grant: number;
}

/** What a served workload is made of. */
export interface ServedWorkloadInit extends IdentitySetInit {
  readonly identities: readonly CheckedIdentity[];
  readonly trust: Trust;
  readonly clock: Clock;
  /** The part of a lifetime after which credentials are replaced. */
  readonly rotateAt: number;
  readonly onError: (error: unknown) => void;
}

/**
 * The state behind one workload's endpoint: its current credentials and the trust it is told of, and the timer that
 * replaces the credentials. Changes run one after the other; only a withdrawal takes effect at once.
 */
export class ServedWorkload {
  readonly state: Latest<ServedState>;
  readonly #init: ServedWorkloadInit;
  #identities: readonly CheckedIdentity[];
  #entitled = true;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(init: ServedWorkloadInit) {
    this.#init = init;
    this.#identities = init.identities;
    this.state = new Latest<ServedState>({ identities: undefined, trust: init.trust, grant: 0 });
  }

  get ids(): readonly SpiffeId[] {
    return this.#identities.map(({ id }) => id);
  }

  get entitled(): boolean {
    return this.#entitled;
  }

  /** Replaces every credential now. Does nothing while the workload is entitled to nothing. */
  rotate(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#entitled) await this.#renew(this.state.current.trust);
    });
  }

  /** Replaces the identities themselves and every credential with them. */
  setIdentities(identities: readonly CheckedIdentity[]): Promise<void> {
    return this.#enqueue(async () => {
      const previous = this.#identities;
      this.#identities = identities;
      if (!this.#entitled) return;
      try {
        await this.#renew(this.state.current.trust);
      } catch (error) {
        this.#identities = previous;
        throw error;
      }
    });
  }

  /** Tells the workload of other bundles, together with new credentials where the old ones fail under them. */
  setTrust(trust: Trust): Promise<void> {
    return this.#enqueue(async () => {
      const { identities } = this.state.current;
      const renew = identities !== undefined && !(await stillVerifies(identities, trust, this.#init.clock()));
      if (renew && this.#entitled) await this.#renew(trust);
      else this.#publish({ trust });
    });
  }

  withdraw(): void {
    this.#entitled = false;
    clearTimeout(this.#timer);
    this.#publish({ identities: undefined, grant: this.state.current.grant + 1 });
  }

  restore(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#entitled) return;
      const set = await this.#issueUnlessWithdrawn();
      if (set === undefined) return;
      this.#entitled = true;
      this.#publish({ identities: set });
      this.#schedule(set);
    });
  }

  /** Ends every stream and the timer. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.state.end();
  }

  async #renew(trust: Trust): Promise<void> {
    const set = await this.#issueUnlessWithdrawn();
    if (set === undefined) return;
    this.#publish({ identities: set, trust });
    this.#schedule(set);
  }

  async #issueUnlessWithdrawn(): Promise<IdentitySet | undefined> {
    const { grant } = this.state.current;
    const set = await issueIdentitySet(this.#identities, this.#init);
    return this.#closed || this.state.current.grant !== grant ? undefined : set;
  }

  #publish(change: Partial<ServedState>): void {
    this.state.set({ ...this.state.current, ...change });
  }

  #schedule({ expiresAt }: IdentitySet): void {
    const { clock, rotateAt } = this.#init;
    this.#arm((expiresAt - clock()) * rotateAt);
  }

  #arm(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const rotate = (): void => {
      this.rotate().catch((error: unknown) => {
        tell(this.#init.onError, error);
        this.#arm(RETRY_MS);
      });
    };
    // A rotation that comes earlier than it must does no harm.
    this.#timer = setTimeout(rotate, Math.min(Math.max(delayMs, MIN_ROTATION_MS), LONGEST_TIMER_MS)).unref();
  }

  #enqueue(change: () => Promise<void>): Promise<void> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** Credentials of a second or two must not turn rotation into a busy loop. */
const MIN_ROTATION_MS = 250;
const RETRY_MS = 1000;
