import { WorkloadApiError } from '../errors/index.js';
import { abortable, openScope } from '../internal/abort.js';
import type { Clock } from '../internal/clock.js';
import type { JwtSvid } from '../jwt-svid/index.js';
import { noMessageWithin } from './convert-stream.js';
import { type JwtSvidQuery, queryKey } from './jwt-svid-query.js';

export interface JwtSvidCacheOptions {
  /** Fetches a token from the endpoint. */
  readonly fetch: (query: JwtSvidQuery, signal: AbortSignal) => Promise<JwtSvid>;
  readonly clock: Clock;
  /** How long a token may take to come, in milliseconds, before `timeout`. */
  readonly timeoutMs: number;
  /** Most tokens kept; the one unused for longest goes first. */
  readonly maxEntries: number;
}

interface Entry {
  readonly svid: JwtSvid;
  /** From then on a caller waits for a newer one, in milliseconds since the epoch. */
  readonly refreshAt: number;
}

/** Picks out tokens that may not be used any more. */
type Condemn = (svid: JwtSvid) => boolean;

/** A fetch that several callers may be waiting for. */
interface Flight {
  readonly svid: Promise<JwtSvid>;
  readonly controller: AbortController;
  waiting: number;
}

/** How often a token is fetched of which it turns out, while it is on its way, that it may not be used. */
const ATTEMPTS = 2;

/**
 * JWT-SVIDs by what was asked for. Each is used until half of its life is over, because every fetch costs the endpoint
 * an attestation; from then on it is only a spare, for when the endpoint cannot give another.
 */
export class JwtSvidCache {
  readonly #options: JwtSvidCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #flights = new Map<string, Flight>();
  /** For each fetch under way, what was condemned since it began. */
  readonly #condemned = new Set<Condemn[]>();
  #closedBy: WorkloadApiError | undefined;

  constructor(options: JwtSvidCacheOptions) {
    this.#options = options;
  }

  /** A caller's abort ends the caller's waiting; the fetch goes on for as long as anybody waits for it. */
  async get(query: JwtSvidQuery, signal: AbortSignal | undefined): Promise<JwtSvid> {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    signal?.throwIfAborted();
    const key = queryKey(query);
    const entry = this.#touch(key);
    if (entry !== undefined && this.#options.clock() < entry.refreshAt) return entry.svid;
    const flight = this.#flights.get(key) ?? this.#start(key, query);
    flight.waiting += 1;
    try {
      return await abortable(flight.svid, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) this.#land(key, flight);
    }
  }

  /** Forgets the tokens that `condemn` picks out, those on their way included: they may have left before it was known. */
  drop(condemn: Condemn): void {
    for (const [key, { svid }] of this.#entries) if (condemn(svid)) this.#entries.delete(key);
    for (const condemned of this.#condemned) condemned.push(condemn);
  }

  /** Forgets every token, those on their way included. */
  clear(): void {
    this.drop(() => true);
  }

  close(reason: WorkloadApiError): void {
    this.#closedBy = reason;
    this.clear();
    for (const flight of this.#flights.values()) flight.controller.abort(reason);
  }

  #start(key: string, query: JwtSvidQuery): Flight {
    const controller = new AbortController();
    const svid = abortable(this.#fetch(key, query, controller.signal), controller.signal);
    // When everybody has left, nobody handles what becomes of it.
    svid.catch(() => {});
    const flight: Flight = { svid, controller, waiting: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  /** The last caller has left: a flight that is not over is for nobody. */
  #land(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.controller.abort(new WorkloadApiError('closed', 'nobody waits for this JWT-SVID any more'));
  }

  async #fetch(key: string, query: JwtSvidQuery, signal: AbortSignal): Promise<JwtSvid> {
    const { clock, timeoutMs } = this.#options;
    const scope = openScope({ signal, timeoutMs, onTimeout: () => noMessageWithin(timeoutMs) });
    try {
      const svid = await this.#fetchSound(query, scope.signal);
      const now = clock();
      if (svid.expiresAt.getTime() <= now) {
        throw new WorkloadApiError('expired', `the endpoint delivered a JWT-SVID of ${svid.id} that has expired`);
      }
      if (!signal.aborted) this.#store(key, { svid, refreshAt: halfLife(svid, now) });
      return svid;
    } catch (error) {
      const spare = this.#entries.get(key)?.svid;
      if (isDenial(error)) this.#entries.delete(key);
      else if (spare !== undefined && clock() < spare.expiresAt.getTime() && !signal.aborted) return spare;
      throw error;
    } finally {
      scope[Symbol.dispose]();
    }
  }

  async #fetchSound(query: JwtSvidQuery, signal: AbortSignal): Promise<JwtSvid> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const condemned: Condemn[] = [];
      this.#condemned.add(condemned);
      try {
        const svid = await this.#options.fetch(query, signal);
        if (!condemned.some((condemn) => condemn(svid))) return svid;
      } finally {
        this.#condemned.delete(condemned);
      }
    }
    throw new WorkloadApiError('bad_identity', 'JWT-SVIDs were withdrawn while they were on their way');
  }

  #store(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.maxEntries) break;
      this.#entries.delete(oldest);
    }
  }

  #touch(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (this.#options.clock() >= entry.svid.expiresAt.getTime()) return undefined;
    this.#entries.set(key, entry);
    return entry;
  }
}

/** A token that does not say when it was issued is counted from its arrival. */
function halfLife(svid: JwtSvid, now: number): number {
  const issuedAt = Math.min(svid.issuedAt?.getTime() ?? now, now);
  return issuedAt + (svid.expiresAt.getTime() - issuedAt) / 2;
}

/** The endpoint is there and says no: the spare is not granted any more either. */
function isDenial(error: unknown): boolean {
  return (
    error instanceof WorkloadApiError && ['permission_denied', 'invalid_argument', 'no_identity'].includes(error.code)
  );
}
