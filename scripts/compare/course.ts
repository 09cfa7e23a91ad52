import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Spire } from '../../test/spire/support/spire.js';
import { waitFor } from '../../test/spire/support/wait-for.js';
import type { Contestant } from './contestant.js';
import type { Observer } from './observer.js';
import type { Recorder } from './recorder.js';
import { now } from './sightings.js';

const PATIENCE_MS = 90_000;
/** How long connections are still looked at after everybody presented the new identity, for one that presents the old. */
const AFTERMATH_MS = 2_000;

/** What one client did in a round, in milliseconds; `undefined` for one that has given up. */
export interface Result {
  readonly source: number | undefined;
  readonly connection: number | undefined;
  /** Connections that presented an old identity after one that presented a new one. */
  readonly late: number;
}

/** Results by the client's name, and when the stream that only reads had the new SVID. */
export interface Round {
  readonly results: ReadonlyMap<string, Result>;
  readonly observer: number | undefined;
}

/** One agent and everybody on it. */
export class Course {
  readonly #spire: Spire;
  readonly #recorder: Recorder;
  readonly #observer: Observer;
  readonly #contestants: readonly Contestant[];

  constructor(spire: Spire, recorder: Recorder, observer: Observer, contestants: readonly Contestant[]) {
    this.#spire = spire;
    this.#recorder = recorder;
    this.#observer = observer;
    this.#contestants = contestants;
  }

  /** The next rotation, counted from the moment when the first was told, be it a client or the stream that only reads. */
  async rotation(): Promise<Round> {
    return await this.#round(() => Promise.resolve(undefined));
  }

  /**
   * An agent that is killed, stays away and comes back, counted from the first connection that the new agent accepts. Its
   * own start is the same for everybody.
   */
  async restart(awayMs: number): Promise<Round> {
    return await this.#round(async () => {
      await this.#spire.endAgent('SIGKILL');
      await sleep(awayMs);
      const [accepted] = await Promise.all([firstAccepted(this.#spire.address), this.#spire.startAgent()]);
      return accepted;
    });
  }

  /** Waits until everybody who has not given up has the same identity and presents it. */
  async atRest(): Promise<void> {
    await this.#settled(() => {
      const newest = this.#sightings().map((each) => each.newest);
      return newest.every((serial) => serial !== undefined && serial === newest[0]);
    });
  }

  async #round(begin: () => Promise<number | undefined>): Promise<Round> {
    this.#recorder.trust(await this.#spire.commands.bundlePem());
    await this.atRest();
    const known = new Set(this.#sightings().flatMap(({ serials }) => serials));
    const begun = await begin();
    const since = begun ?? 0;
    await this.#settled(({ source, connections }) =>
      [source, connections.sightings].every((each) => each.freshAt(known, since) !== undefined),
    );
    await sleep(AFTERMATH_MS);
    const told = this.#sightings().map((each) => each.freshAt(known, since) ?? Number.POSITIVE_INFINITY);
    const zero = begun ?? Math.min(...told);
    const results = this.#contestants.map(({ name, source, connections }) => {
      const connected = connections.sightings.freshAt(known, since);
      return [
        name,
        {
          source: elapsed(zero, source.freshAt(known, since)),
          connection: elapsed(zero, connected),
          late: connected === undefined ? 0 : connections.countOf(known, connected),
        },
      ] as const;
    });
    return { results: new Map(results), observer: elapsed(zero, this.#observer.sightings.freshAt(known, since)) };
  }

  /** Waits until the condition holds of every client that has not given up. */
  async #settled(holds: (contestant: Contestant) => boolean): Promise<void> {
    await waitFor('every client', () => this.#contestants.every((each) => each.failure !== undefined || holds(each)), {
      timeoutMs: PATIENCE_MS,
      everyMs: 5,
    });
  }

  #sightings(): readonly Contestant['source'][] {
    const active = this.#contestants.filter(({ failure }) => failure === undefined);
    return [this.#observer.sightings, ...active.flatMap((each) => [each.source, each.connections.sightings])];
  }
}

function elapsed(zero: number, at: number | undefined): number | undefined {
  return at === undefined ? undefined : at - zero;
}

async function firstAccepted(address: string): Promise<number> {
  const deadline = now() + PATIENCE_MS;
  while (now() < deadline) {
    const socket = connect(address.slice('unix://'.length));
    try {
      await once(socket, 'connect');
      return now();
    } catch {
      await sleep(2);
    } finally {
      socket.destroy();
    }
  }
  throw new Error('the agent did not come back');
}
