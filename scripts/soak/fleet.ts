import { SvidkitError } from 'svidkit/errors';
import {
  createBundleSource,
  createJwtSource,
  createWitSource,
  createWorkloadApiClient,
  createX509Source,
  type SourceOptions,
} from 'svidkit/workload-api';
import type { SourceKind, World } from './world.js';

const SOURCES = 50;
/** More than one, so that caches are used; not ever new ones, which they would keep as they should. */
const AUDIENCES = 20;
const RECOVERY_MS = 60_000;

interface Member {
  readonly kind: SourceKind;
  ready(): Promise<void>;
  fetchToken?(audience: string): Promise<unknown>;
  close(): Promise<void>;
  /** Settles when the reader of updates has ended, with the reason if that was not the closing. */
  readonly reader: Promise<void>;
}

/** Fifty open sources of every kind, each with a reader of its updates. */
export class Fleet implements AsyncDisposable {
  readonly #world: World;
  #members: Member[] = [];
  #made = 0;
  #updates = 0;
  #tokens = 0;
  #refusals = 0;

  constructor(world: World) {
    this.#world = world;
    this.#fill();
  }

  get size(): number {
    return this.#members.length;
  }

  /** Sources opened so far, those that were closed again included. */
  get made(): number {
    return this.#made;
  }

  /** Updates that the readers saw. */
  get updates(): number {
    return this.#updates;
  }

  /** JWT-SVIDs that were given; those refused during an outage are counted apart. */
  get tokens(): { readonly given: number; readonly refused: number } {
    return { given: this.#tokens, refused: this.#refusals };
  }

  /** Closes the oldest sources and opens others in their place. */
  async replace(count: number): Promise<void> {
    const old = this.#members.splice(0, count);
    this.#fill();
    await closeAll(old);
  }

  /** Asks every source of JWT-SVIDs for one, and a client of its own for a first message and for one call. */
  async use(): Promise<void> {
    const audience = `https://service-${this.#tokens % AUDIENCES}.example.org`;
    const asked = this.#members.map((member) => member.fetchToken?.(audience));
    const address = this.#world.addresses[this.#made % this.#world.addresses.length];
    await Promise.all([...asked.filter((fetch) => fetch !== undefined), visit(address)].map((use) => this.#count(use)));
  }

  /** Waits until every source can be read. @throws what the first of them is refused with. */
  async recovered(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.ready()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#members.splice(0));
  }

  async #count(use: Promise<unknown>): Promise<void> {
    try {
      await use;
      this.#tokens += 1;
    } catch (error) {
      if (!(error instanceof SvidkitError)) throw error;
      this.#refusals += 1;
    }
  }

  #fill(): void {
    const { addresses, kinds } = this.#world;
    while (this.#members.length < SOURCES) {
      const kind = kinds[this.#made % kinds.length] ?? 'x509';
      const address = addresses[Math.floor(this.#made / kinds.length) % addresses.length];
      const options = { address, backoff: { initialMs: 50, maxMs: 500 } };
      this.#members.push(openMember(kind, options, () => (this.#updates += 1)));
      this.#made += 1;
    }
  }
}

const CREATE = {
  x509: createX509Source,
  wit: createWitSource,
  bundle: createBundleSource,
  jwt: createJwtSource,
} as const;

function openMember(kind: SourceKind, options: SourceOptions, onUpdate: () => void): Member {
  const source = CREATE[kind](options);
  const read = async (): Promise<void> => {
    for await (const update of source.updates()) if (update !== undefined) onUpdate();
  };
  return {
    kind,
    ready: () => source.ready({ timeoutMs: RECOVERY_MS }),
    ...('fetchJwtSvid' in source ? { fetchToken: (audience: string) => source.fetchJwtSvid({ audience }) } : {}),
    close: () => source.close(),
    reader: read(),
  };
}

async function closeAll(members: readonly Member[]): Promise<void> {
  for (const member of members) await member.close();
  await Promise.all(members.map((member) => member.reader));
}

/** A client that comes and goes: a stream left after its first message, a stream never read, and one call. */
async function visit(address: string | undefined): Promise<void> {
  await using client = createWorkloadApiClient({ address });
  for await (const context of client.streamX509Contexts()) if (context.svids.length > 0) break;
  const unread = client.streamX509Bundles()[Symbol.asyncIterator]();
  await unread.next();
  await client.fetchJwtSvids({ audience: 'https://visitor.example.org' });
}
