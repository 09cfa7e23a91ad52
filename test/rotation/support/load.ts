import { setTimeout as sleep } from 'node:timers/promises';
import { exactly } from 'svidkit/id';
import type { ConnectionPolicy } from 'svidkit/tls';
import type { X509Source } from 'svidkit/workload-api';
import type { Caller, Conversation, Listening, TlsClient, TlsServer } from '../../tls-matrix/support/speech.js';
import type { ConnectionLog } from './connection-log.js';
import type { IdentityLog } from './identity-log.js';

type Rotation = NonNullable<ConnectionPolicy['rotation']>;

/** How a part of the load treats its connections: with one of the policies, or with a new one for every request. */
type Mode = Rotation | 'fresh';

export interface LoadOptions {
  readonly client: TlsClient;
  readonly server: TlsServer;
  readonly clientSource: X509Source;
  readonly serverSource: X509Source;
  readonly clientId: string;
  readonly serverId: string;
  readonly clientIdentities: IdentityLog;
  readonly serverIdentities: IdentityLog;
  readonly connections: ConnectionLog;
  readonly perSecond: number;
  readonly until: number;
}

/** What became of one part of the load. */
export interface LoadResult {
  readonly client: string;
  readonly mode: Mode;
  requests: number;
  /** Requests sent again because the server had refused their HTTP/2 stream. */
  repeated: number;
  readonly seconds: number;
  /** Why requests failed: what must not happen. */
  readonly failures: string[];
  /** Requests that went over a connection that its policy no longer allowed: what must not happen. */
  readonly tooOld: string[];
  readonly connections: Set<number>;
  /** The age at which a connection carried its last request. */
  oldestMs: number;
  /** The least time that a connection had left to its end when it carried a request. */
  leastLeftMs: number;
}

/** Of the requests of a client, one in so many goes over a connection of its own. */
const FRESH_PART = 1 / 20;

/** Each waits for its answers, so that with several a slow answer does not hold up all the load. */
const LANES = 2;

const MOST_BEHIND_MS = 500;

/** A session that takes the place of one which the server leaves may be left as well, where both ends rotate at once. */
const MOST_REPEATS = 3;

/** Sends requests at a steady rate until the time is up, and judges every answer. */
export async function load(options: LoadOptions): Promise<LoadResult[]> {
  const fresh = options.perSecond * FRESH_PART;
  const kept = (options.perSecond - fresh) / 2;
  return Promise.all([
    runPart(options, 'keep', LANES, kept),
    runPart(options, 'drain', LANES, kept),
    runPart(options, 'fresh', 1, fresh),
  ]);
}

async function runPart(options: LoadOptions, mode: Mode, lanes: number, perSecond: number): Promise<LoadResult> {
  const { client, server, clientSource, serverSource, clientId, serverId } = options;
  const rotation: Rotation = mode === 'drain' ? 'drain' : 'keep';
  await using listening = await server.listen({
    svid: serverSource,
    bundles: serverSource,
    authorize: exactly(clientId),
    rotation,
  });
  const speaks = client.protocols.find((protocol) => server.protocols.includes(protocol)) ?? 'HTTP/1.1';
  const own = { svid: clientSource, bundles: clientSource, authorize: exactly(serverId), rotation };
  const started = Date.now();
  const result: LoadResult = {
    ...{ client: client.name, mode, requests: 0, repeated: 0, seconds: (options.until - started) / 1000 },
    ...{ failures: [], tooOld: [], connections: new Set<number>() },
    ...{ oldestMs: 0, leastLeftMs: Number.POSITIVE_INFINITY },
  };
  const judge = new Judge(options, listening, mode, result);
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      await using conversation = client.open(own, { port: listening.port, speaks, fresh: mode === 'fresh' });
      const everyMs = (1000 * lanes) / perSecond;
      let next = started + (lane * everyMs) / lanes;
      while (next < options.until) {
        await sleep(Math.max(next - Date.now(), 0));
        await judge.ask(conversation);
        // A lane that has fallen behind catches up, but not on everything that a long wait has cost.
        next = Math.max(next + everyMs, Date.now() - MOST_BEHIND_MS);
      }
    }),
  );
  return result;
}

/** Keeps one request after the other to the policy of its connection. */
class Judge {
  readonly #options: LoadOptions;
  readonly #listening: Listening;
  readonly #mode: Mode;
  readonly #result: LoadResult;
  /** Connections whose server has answered once with an identity that had been replaced. */
  readonly #leaving = new Set<number>();

  constructor(options: LoadOptions, listening: Listening, mode: Mode, result: LoadResult) {
    this.#options = options;
    this.#listening = listening;
    this.#mode = mode;
    this.#result = result;
  }

  async ask(conversation: Conversation): Promise<void> {
    const startedAt = Date.now();
    this.#result.requests += 1;
    try {
      const caller = await this.#answered(conversation);
      const complaint = this.#complaintAbout(caller, startedAt);
      if (complaint !== undefined) this.#result.tooOld.push(`${new Date(startedAt).toISOString()} ${complaint}`);
    } catch (error) {
      const { message, code, cause } = error as NodeJS.ErrnoException;
      const why = cause instanceof Error ? ` (${cause.message})` : '';
      this.#result.failures.push(`${new Date(startedAt).toISOString()} ${code ?? ''} ${message}${why}`);
    }
  }

  /**
   * Over HTTP/2, a server that leaves a connection refuses the streams that are on their way at that moment, because
   * Node's servers cannot announce a GOAWAY; a refused stream has not been looked at and may be repeated (RFC 9113
   * section 8.7). The pool of sessions does that itself, and grpc-js once.
   */
  async #answered(conversation: Conversation): Promise<Caller> {
    for (let repeats = 0; ; repeats += 1) {
      try {
        return await conversation.ask();
      } catch (error) {
        if (!this.#options.client.leavesRefused || repeats === MOST_REPEATS || !isRefusedStream(error)) throw error;
        this.#result.repeated += 1;
      }
    }
  }

  #complaintAbout({ id, serial, port, tls }: Caller, startedAt: number): string | undefined {
    const { clientId, clientIdentities, serverIdentities, connections } = this.#options;
    if (id !== clientId) return `the server saw ${id}`;
    const serverSerial = tls?.serverSerial;
    const ends = [clientIdentities.expiryOf(serial)];
    if (serverSerial !== undefined) ends.push(serverIdentities.expiryOf(serverSerial));
    const left = Math.min(...ends) - startedAt;
    const result = this.#result;
    result.connections.add(port);
    result.oldestMs = Math.max(result.oldestMs, startedAt - connections.acceptedAt(this.#listening.port, port));
    result.leastLeftMs = Math.min(result.leastLeftMs, left);
    if (left <= 0) return 'went over a connection of an expired certificate';
    if (this.#mode === 'keep') return undefined;
    if (clientIdentities.replacedAt(serial) < startedAt) return 'went over a connection of a replaced client identity';
    if (serverSerial === undefined || serverIdentities.replacedAt(serverSerial) >= startedAt) return undefined;
    // The server says that it leaves in its answer.
    if (this.#leaving.has(port)) return 'went over a connection of a replaced server identity, again';
    this.#leaving.add(port);
    return undefined;
  }
}

function isRefusedStream(error: unknown): boolean {
  return (
    error instanceof Error &&
    /NGHTTP2_REFUSED_STREAM|after receiving a GOAWAY|Stream refused by server/.test(error.message)
  );
}
