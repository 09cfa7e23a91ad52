import { ReplayError } from '../errors/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import type { ReplayEntry, ReplayInsertOptions, ReplayStore, ReplayVerdict } from './replay-store.js';

export interface MemoryReplayStoreOptions {
  /**
   * How many live entries the store holds before it answers `full`. Default 1,000,000, which takes about 150 MB. A live
   * entry is never evicted to make room: that would let its proof be used again.
   */
  readonly maxEntries?: number | undefined;
  /**
   * How many live entries one sender may have before it is answered `sender_full`, so that one workload cannot fill the
   * store for all. Default 100,000: at the usual life of a proof, about a thousand requests a second, and about 15 MB.
   */
  readonly maxEntriesPerSender?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. Give the store and the verifier the same clock. */
  readonly clock?: Clock | undefined;
}

/** A {@link ReplayStore} in this process's memory. */
export interface MemoryReplayStore extends ReplayStore {
  /** How many live entries the store holds. */
  readonly size: number;
}

/**
 * Creates a replay store for a service that runs as one process. It holds no timer: entries are dropped, in constant
 * time each, when a later insert finds them expired.
 *
 * Its `insert` rejects with {@link ReplayError} `expired_entry` when an entry has expired by the store's own clock, or
 * may have been forgotten because that clock ran ahead and was set back.
 */
export function createMemoryReplayStore(options: MemoryReplayStoreOptions = {}): MemoryReplayStore {
  return new ExpiringSet(
    countOption('maxEntries', options.maxEntries ?? 1_000_000),
    countOption('maxEntriesPerSender', options.maxEntriesPerSender ?? 100_000),
    options.clock ?? systemClock,
  );
}

/** The quota of one sender, shared by all its entries. */
interface Sender {
  readonly name: string;
  entries: number;
}

/** Live keys, and the same keys filed by the second after which they may be forgotten. */
class ExpiringSet implements MemoryReplayStore {
  readonly #maxEntries: number;
  readonly #maxEntriesPerSender: number;
  readonly #clock: Clock;
  readonly #senderOf = new Map<string, Sender>();
  readonly #senders = new Map<string, Sender>();
  readonly #keysBySecond = new Map<number, string[]>();
  /** Every bucket up to this second was dropped. */
  #swept: number;
  /** The last second of which keys were dropped. Only a clock that was set back is before it. */
  #forgotten: number = Number.NEGATIVE_INFINITY;

  constructor(maxEntries: number, maxEntriesPerSender: number, clock: Clock) {
    this.#maxEntries = maxEntries;
    this.#maxEntriesPerSender = maxEntriesPerSender;
    this.#clock = clock;
    this.#swept = Math.floor(clock() / 1000);
  }

  get size(): number {
    this.#dropExpired(this.#clock());
    return this.#senderOf.size;
  }

  /** The body up to the answer never awaits: that is what makes it atomic. */
  async insert(entry: ReplayEntry, options: ReplayInsertOptions = {}): Promise<ReplayVerdict> {
    options.signal?.throwIfAborted();
    const { key, sender, expiresAt } = checkEntry(entry);
    const now = this.#clock();
    if (!(expiresAt > now)) {
      throw new ReplayError('expired_entry', "the entry has expired by the replay store's own clock");
    }
    this.#dropExpired(now);
    if (this.#senderOf.has(key)) return 'replayed';
    if (secondOf(expiresAt) <= this.#forgotten) {
      throw new ReplayError(
        'expired_entry',
        'the clock of the replay store was set back, past entries already forgotten',
      );
    }
    if (this.#senderOf.size >= this.#maxEntries) return 'full';
    const quota = this.#senders.get(sender) ?? { name: sender, entries: 0 };
    if (quota.entries >= this.#maxEntriesPerSender) return 'sender_full';
    this.#remember(key, quota, expiresAt);
    return 'fresh';
  }

  #remember(key: string, quota: Sender, expiresAt: number): void {
    quota.entries += 1;
    this.#senders.set(quota.name, quota);
    this.#senderOf.set(key, quota);
    const second = secondOf(expiresAt);
    const bucket = this.#keysBySecond.get(second);
    if (bucket === undefined) this.#keysBySecond.set(second, [key]);
    else bucket.push(key);
  }

  #dropExpired(now: number): void {
    const second = Math.floor(now / 1000);
    // Set back: what is left was filed under later seconds, and is swept when they come again.
    if (second < this.#swept) this.#swept = second;
    if (!(second > this.#swept)) return;
    // Second by second, unless after a long pause there are fewer buckets than seconds.
    if (second - this.#swept <= this.#keysBySecond.size) {
      for (let past = this.#swept + 1; past <= second; past += 1) this.#dropBucket(past);
    } else {
      for (const past of this.#keysBySecond.keys()) if (past <= second) this.#dropBucket(past);
    }
    this.#swept = second;
  }

  #dropBucket(second: number): void {
    const keys = this.#keysBySecond.get(second);
    if (keys === undefined) return;
    this.#forgotten = Math.max(this.#forgotten, second);
    for (const key of keys) {
      const quota = this.#senderOf.get(key);
      this.#senderOf.delete(key);
      if (quota === undefined) continue;
      quota.entries -= 1;
      if (quota.entries === 0) this.#senders.delete(quota.name);
    }
    this.#keysBySecond.delete(second);
  }
}

/** The second with which an entry may be forgotten. */
function secondOf(expiresAt: number): number {
  return Math.ceil(expiresAt / 1000);
}

function checkEntry(entry: ReplayEntry): ReplayEntry {
  const { key, sender, expiresAt } = entry;
  if (typeof key !== 'string' || key === '') throw new TypeError('a replay entry needs a key');
  if (typeof sender !== 'string' || sender === '') throw new TypeError('a replay entry needs a sender');
  if (!Number.isFinite(expiresAt)) throw new TypeError('a replay entry needs an expiry in milliseconds');
  return entry;
}

function countOption(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${name} must be a whole number, at least 1`);
  return value;
}
