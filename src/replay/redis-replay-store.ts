import { ReplayError } from '../errors/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { tokenHash } from '../internal/token-hash.js';
import { secondsOption } from '../internal/validity.js';
import { createMemoryReplayStore, type MemoryReplayStore } from './memory-replay-store.js';
import { type RedisReplayClient, type RedisScript, type RunScriptOptions, runScript } from './redis-client.js';
import { END_WAITING, INSERT } from './redis-scripts.js';
import type { ReplayEntry, ReplayInsertOptions, ReplayStore, ReplayVerdict } from './replay-store.js';

/**
 * What to do when the server may have forgotten proofs that can still be used: after it was started, after another one
 * was promoted in its place, after its data were flushed, and on the first day.
 *
 * - `refuse`: accept nothing until every proof that could have been forgotten has expired. Right for every server; a
 *   restart or a failover costs about six minutes of refusals, and so does the first start of a service, unless
 *   {@link RedisReplayStore.endWaiting} ends them.
 * - `trust_persistence`: refuse only where the partition is gone. Right for a server that has lost nothing when it has
 *   not lost everything: `appendfsync always` and no failover to a replica. With `appendfsync everysec`, with snapshots
 *   or with replicas, proofs of the last seconds before the change can be used again.
 * - `accept`: go on. Whatever was forgotten can be used again. Also leaves out the question whether the server evicts.
 */
export type ServerChangePolicy = 'refuse' | 'trust_persistence' | 'accept';

/**
 * What to do when the server does not answer.
 *
 * - `refuse`: `insert` rejects, and verifiers refuse the proof with `replay_store_failed`.
 * - `this_process`: what was not used at this process before counts as fresh, so that during an outage a proof can be
 *   used once at each replica, and of those used then once more at each replica afterwards. Every entry is kept in
 *   memory as well.
 */
export type OutagePolicy = 'refuse' | 'this_process';

/** All but `client`, `timeoutMs`, `onOutage` and `clock` must be the same at every process that shares the store. */
export interface RedisReplayStoreOptions {
  /** A client of Redis 7 or Valkey, or newer; see {@link RedisReplayClient} for how to make one of yours. */
  readonly client: RedisReplayClient;
  /** What all keys begin with, after a `{`; without braces. Default `svidkit:replay`. */
  readonly keyPrefix?: string | undefined;
  /**
   * Over how many hash tags the entries are spread, so that a cluster can share the work. Default 1, which is right for
   * a single server. Change it together with `keyPrefix`, and only while no process runs.
   */
  readonly partitions?: number | undefined;
  /**
   * How many live entries one sender may have before it is answered `sender_full`. Default 100,000, which take about
   * 20 MB of the server's memory; what all senders take together is limited by the server's `maxmemory` alone. Counted
   * by the partition: with several, a sender is stopped when it has its share in one of them, a few percent early. An
   * entry counts a few seconds longer than it lives.
   */
  readonly maxEntriesPerSender?: number | undefined;
  /**
   * The longest that any entry has to be kept, in seconds from 1 to 7200; an entry beyond it is refused. It is also how
   * long a changed server is waited for. Default 320: the 300 seconds that verifiers allow a proof, and their leeway of
   * 10 seconds at both ends.
   */
  readonly longestLifetimeSeconds?: number | undefined;
  /**
   * How far apart the clocks of the processes may be, in seconds from 0 to 300; entries are kept that much longer.
   * Default 30.
   */
  readonly clockSkewSeconds?: number | undefined;
  /** Default `refuse`. */
  readonly afterServerChange?: ServerChangePolicy | undefined;
  /** Default `refuse`. */
  readonly onOutage?: OutagePolicy | undefined;
  /** How long to wait for an answer, in milliseconds from 1 to 60,000. Default 1000; then it counts as an outage. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. Give the store and the verifier the same clock. */
  readonly clock?: Clock | undefined;
}

/** A {@link ReplayStore} that replicas share. It holds no resource; closing the client is up to whoever made it. */
export interface RedisReplayStore extends ReplayStore {
  /**
   * Ends the waiting for all processes that share the store: the statement of an operator that no proof which can still
   * be used was accepted before, as on the very first start of a service. Not for programs to call when they start: that
   * is the policy `accept` with extra steps.
   */
  endWaiting(options?: ReplayInsertOptions): Promise<void>;
}

/**
 * Creates a replay store on Redis or Valkey, for a service that runs as several processes. An insert is one round trip
 * and one atomic script, on keys of one hash tag.
 *
 * The server must not evict (`maxmemory-policy noeviction`); when its memory is full, inserts are answered `full`. It is
 * asked for its replication ID with each insert and for its eviction policy once a minute, by `INFO` from inside the
 * script, which the user of the connection must be allowed. While a cluster moves the slot of a partition, inserts in
 * that partition are refused.
 *
 * Its `insert` rejects with {@link ReplayError}: every code of it can occur.
 */
export function createRedisReplayStore(options: RedisReplayStoreOptions): RedisReplayStore {
  return new RedisStore(checkOptions(options));
}

const OUTAGE: ReadonlySet<string> = new Set(['store_failed', 'store_timeout']);
const INSPECT_EVERY_MS = 60_000;

interface Settings {
  readonly client: RedisReplayClient;
  readonly keyPrefix: string;
  readonly partitions: number;
  readonly quota: number;
  readonly longestMs: number;
  readonly skewMs: number;
  readonly policy: ServerChangePolicy;
  readonly local: MemoryReplayStore | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

class RedisStore implements RedisReplayStore {
  readonly #settings: Settings;
  /** How long a span is by which the live entries of a sender are counted. */
  readonly #spanMs: number;
  /** When each partition's server was last asked whether it evicts. */
  readonly #inspectedAt: number[];

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#spanMs = Math.max(1000, Math.ceil((settings.longestMs + settings.skewMs) / 32));
    this.#inspectedAt = new Array<number>(settings.partitions).fill(Number.NEGATIVE_INFINITY);
  }

  async insert(entry: ReplayEntry, options: ReplayInsertOptions = {}): Promise<ReplayVerdict> {
    const { local } = this.#settings;
    const keepMs = this.#keepMs(entry);
    if (local !== undefined) {
      const verdict = await local.insert(entry, options);
      if (verdict !== 'fresh') return verdict;
    }
    try {
      return await this.#insertShared(entry, keepMs, options);
    } catch (error) {
      if (local !== undefined && error instanceof ReplayError && OUTAGE.has(error.code)) return 'fresh';
      throw error;
    }
  }

  async endWaiting({ signal }: ReplayInsertOptions = {}): Promise<void> {
    const { partitions, policy } = this.#settings;
    const calls = Array.from({ length: partitions }, async (_, partition) => {
      const answer = await this.#run(END_WAITING, [this.#tag(partition)], [policy], signal);
      if (answer !== 'ended') throw refusalOf(answer);
    });
    await Promise.all(calls);
  }

  /** How long the entry must be kept, by the clock of the verifier. */
  #keepMs({ key, sender, expiresAt }: ReplayEntry): number {
    const { clock, longestMs, skewMs } = this.#settings;
    if (typeof key !== 'string' || key === '') throw new TypeError('a replay entry needs a key');
    if (typeof sender !== 'string' || sender === '') throw new TypeError('a replay entry needs a sender');
    if (!Number.isFinite(expiresAt)) throw new TypeError('a replay entry needs an expiry in milliseconds');
    const left = expiresAt - clock();
    if (!(left > 0)) {
      throw new ReplayError('expired_entry', "the entry has expired by the replay store's own clock");
    }
    if (left > longestMs) {
      throw new ReplayError('expiry_too_far', `the entry must be kept longer than ${longestMs / 1000} seconds`);
    }
    return Math.ceil(left) + skewMs;
  }

  async #insertShared(
    { key, sender }: ReplayEntry,
    keepMs: number,
    { signal }: ReplayInsertOptions,
  ): Promise<ReplayVerdict> {
    const { partitions, quota, longestMs, skewMs, policy, clock } = this.#settings;
    const partition = spread(key, partitions);
    const tag = this.#tag(partition);
    const now = clock();
    // However far the clock was set, to either side.
    const inspect = Math.abs(now - (this.#inspectedAt[partition] ?? 0)) >= INSPECT_EVERY_MS;
    const answer = await this.#run(
      INSERT,
      [`${tag}:entry:${key}`, `${tag}:sender:${this.#spanMs}:${tokenHash(sender)}`, tag],
      [keepMs, Math.ceil(quota / partitions), longestMs + skewMs, policy, this.#spanMs, inspect ? 1 : 0].map(String),
      signal,
    );
    if (answer !== 'fresh' && answer !== 'replayed' && answer !== 'sender_full' && answer !== 'full') {
      throw refusalOf(answer);
    }
    if (inspect && answer !== 'replayed' && answer !== 'full') this.#inspectedAt[partition] = now;
    return answer;
  }

  async #run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly string[],
    signal: RunScriptOptions['signal'],
  ): Promise<string> {
    const { client, timeoutMs } = this.#settings;
    try {
      return await runScript(client, script, keys, args, { signal, timeoutMs });
    } catch (error) {
      if (isOutOfMemory(error)) return 'full';
      throw error;
    }
  }

  #tag(partition: number): string {
    return `{${this.#settings.keyPrefix}:${partition}}`;
  }
}

/** `OOM command not allowed`: the memory limit is reached and nothing may be evicted. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof ReplayError && error.cause instanceof Error && /\bOOM\b/.test(error.cause.message);
}

function refusalOf(answer: string): ReplayError {
  const [code, waitMs] = answer.split(' ');
  switch (code) {
    case 'server_changed': {
      const seconds = Math.ceil(Number(waitMs) / 1000);
      const message = `the server may have forgotten proofs, so none is accepted for ${seconds} more seconds`;
      return new ReplayError('server_changed', message);
    }
    case 'server_evicts':
      return new ReplayError('server_evicts', 'the server evicts live entries; set its maxmemory-policy to noeviction');
    case 'server_unknown':
      return new ReplayError('server_unknown', 'INFO replication has no master_replid, so a change would go unnoticed');
    default:
      return new ReplayError('bad_answer', 'the server gave an answer that the script does not give');
  }
}

/** FNV-1a, because keys are hashes already and only have to be dealt out evenly. */
function spread(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % partitions;
}

function checkOptions(options: RedisReplayStoreOptions): Settings {
  const { client, keyPrefix = 'svidkit:replay', clock = systemClock } = options ?? {};
  const { afterServerChange: policy = 'refuse', onOutage = 'refuse' } = options ?? {};
  if (typeof client?.eval !== 'function' || typeof client.evalSha !== 'function') {
    throw new TypeError('client must have the methods eval() and evalSha()');
  }
  if (typeof keyPrefix !== 'string' || !/^[^{}]+$/.test(keyPrefix)) {
    throw new TypeError('keyPrefix must be a text without braces');
  }
  if (!['refuse', 'trust_persistence', 'accept'].includes(policy)) {
    throw new TypeError('afterServerChange must be refuse, trust_persistence or accept');
  }
  if (onOutage !== 'refuse' && onOutage !== 'this_process') {
    throw new TypeError('onOutage must be refuse or this_process');
  }
  const quota = whole('maxEntriesPerSender', options.maxEntriesPerSender ?? 100_000, Number.MAX_SAFE_INTEGER);
  return {
    client,
    keyPrefix,
    partitions: whole('partitions', options.partitions ?? 1, 16_384),
    quota,
    longestMs: 1000 * secondsOption('longestLifetimeSeconds', options.longestLifetimeSeconds ?? 320, 1, 7200),
    skewMs: 1000 * secondsOption('clockSkewSeconds', options.clockSkewSeconds ?? 30, 0, 300),
    policy,
    local: onOutage === 'refuse' ? undefined : createMemoryReplayStore({ maxEntriesPerSender: quota, clock }),
    timeoutMs: whole('timeoutMs', options.timeoutMs ?? 1000, 60_000),
    clock,
  };
}

function whole(name: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new TypeError(`${name} must be a whole number from 1 to ${most}`);
  }
  return value;
}
