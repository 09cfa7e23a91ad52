import { once } from 'node:events';
import { type Agent, request } from 'node:https';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { TlsError } from 'svidkit/errors';
import { exactly } from 'svidkit/id';
import { createHttpsAgent, getPeer } from 'svidkit/tls';
import type { X509Source } from 'svidkit/workload-api';

export interface SteadyLoadOptions {
  /** Whose identity the requests carry, and which verifies the server. */
  readonly source: X509Source;
  readonly port: number;
  readonly serverId: string;
  /** Whether the server was denied its own identity between two instants. Default: it never was. */
  readonly wasServerDenied?: (from: number, until: number) => boolean;
}

/** What became of the requests that were begun in a stretch of time. */
export interface LoadReport {
  /** Answered, each over a connection whose two ends were verified. */
  readonly served: number;
  /** Refused by ourselves, because the source had nothing to present, or had it taken away in the meantime. */
  readonly withheld: number;
  /** Failed when the server's own identity had expired or it was denied one. */
  readonly serverWithout: number;
  /** Failed although both sides had an identity: what must not happen. */
  readonly lost: readonly string[];
  /** Presented what the source no longer gave, or what had expired: what must not happen. */
  readonly misused: readonly string[];
  /** The longest time between two answers, in milliseconds. */
  readonly longestGapMs: number;
}

interface Identity {
  readonly serialNumber: string;
  readonly expiresAt: number;
}

interface Outcome {
  readonly startedAt: number;
  readonly endedAt: number;
  /** What the source gave in the instant when the request was begun; undefined when it refused. */
  readonly own: Identity | undefined;
  readonly kind: 'served' | 'withheld' | 'serverWithout' | 'lost' | 'misused';
  readonly detail: string;
}

/** Every so often, one request over a connection of its own and one over a kept connection. */
const EVERY_MS = 50;
const REQUEST_TIMEOUT_MS = 10_000;

/** Verified requests to an mTLS server, about forty a second, each of which is judged. */
export class SteadyLoad implements AsyncDisposable {
  readonly #options: SteadyLoadOptions;
  readonly #agents: readonly Agent[];
  readonly #outcomes: Outcome[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #serverExpiresAt = Number.POSITIVE_INFINITY;
  readonly #timer: NodeJS.Timeout;

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    const { source, serverId } = options;
    const settings = { svid: source, bundles: source, authorize: exactly(serverId) };
    this.#agents = [
      createHttpsAgent(settings, { keepAlive: false }),
      createHttpsAgent(settings, { keepAlive: true, maxFreeSockets: 2 }),
    ];
    this.#timer = setInterval(() => this.#tick(), EVERY_MS);
  }

  /** Runs `action` under the load, with a little load before and after it, and says what became of the requests. */
  async during(action: () => Promise<void>): Promise<LoadReport> {
    const from = this.#outcomes.length;
    await sleep(4 * EVERY_MS);
    await action();
    await sleep(4 * EVERY_MS);
    await Promise.all(this.#inFlight);
    return summarize(
      this.#outcomes.slice(from).map((outcome) => {
        const { kind, startedAt, endedAt } = outcome;
        const isExcused = kind === 'lost' && this.#options.wasServerDenied?.(startedAt, endedAt) === true;
        return isExcused ? { ...outcome, kind: 'serverWithout' } : outcome;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#inFlight);
    for (const agent of this.#agents) agent.destroy();
  }

  #tick(): void {
    for (const agent of this.#agents) {
      const running = this.#request(agent).then((outcome) => {
        this.#outcomes.push(outcome);
        this.#inFlight.delete(running);
      });
      this.#inFlight.add(running);
    }
  }

  /** The identity is read in the same turn of the event loop in which the request is begun: nothing comes in between. */
  async #request(agent: Agent): Promise<Outcome> {
    const startedAt = Date.now();
    const own = this.#presentable();
    const outcome = (kind: Outcome['kind'], detail: string): Outcome => {
      return { startedAt, endedAt: Date.now(), own, kind, detail };
    };
    try {
      const { presented, server } = await call(agent, this.#options.port);
      this.#serverExpiresAt = server.expiresAt;
      if (own === undefined) return outcome('misused', 'presented an identity that the source did not give');
      if (presented.serialNumber !== own.serialNumber)
        return outcome('misused', 'presented another SVID than the current');
      if (presented.expiresAt <= startedAt) return outcome('misused', 'presented an expired SVID');
      if (server.expiresAt <= startedAt) return outcome('misused', 'accepted an expired server');
      return outcome('served', '');
    } catch (error) {
      const refusedByUs = error instanceof TlsError && ['no_identity', 'identity_expired'].includes(error.code);
      if (own === undefined) {
        return refusedByUs ? outcome('withheld', '') : outcome('lost', `not the refusal it should be: ${tell(error)}`);
      }
      // What was taken away while the connection was being made is rightly not used any more.
      if (this.#presentable() === undefined) return outcome('withheld', '');
      if (this.#serverExpiresAt <= Date.now()) return outcome('serverWithout', '');
      return outcome('lost', tell(error));
    }
  }

  #presentable(): Identity | undefined {
    try {
      const svid = this.#options.source.getX509Svid();
      return { serialNumber: svid.certificates[0]?.serialNumber ?? '', expiresAt: svid.expiresAt.getTime() };
    } catch {
      return undefined;
    }
  }
}

function summarize(outcomes: readonly Outcome[]): LoadReport {
  const details = (kind: Outcome['kind']): string[] => {
    return outcomes.filter((outcome) => outcome.kind === kind).map(({ detail }) => detail);
  };
  const answered = outcomes.filter(({ kind }) => kind === 'served').map(({ endedAt }) => endedAt);
  const gaps = answered.slice(1).map((endedAt, i) => endedAt - (answered[i] ?? endedAt));
  return {
    served: answered.length,
    withheld: details('withheld').length,
    serverWithout: details('serverWithout').length,
    lost: details('lost'),
    misused: details('misused'),
    longestGapMs: Math.max(0, ...gaps),
  };
}

async function call(agent: Agent, port: number): Promise<{ presented: Identity; server: Identity }> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const outgoing = request({ host: '127.0.0.1', port, path: '/', agent, signal });
  outgoing.end();
  const [incoming] = await once(outgoing, 'response');
  const { leaf } = getPeer(incoming);
  if (incoming.statusCode !== 200) {
    incoming.resume();
    throw new Error(`the server answered ${incoming.statusCode}`);
  }
  const presented = (await json(incoming)) as { serialNumber: string; notAfter: string };
  return {
    presented: { serialNumber: presented.serialNumber, expiresAt: Date.parse(presented.notAfter) },
    server: { serialNumber: leaf.serialNumber, expiresAt: leaf.notAfter.getTime() },
  };
}

function tell(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
  return `${error}${code}`;
}
