/** What a call needs, made once for each connection. */
export interface Connection<Client> {
  readonly client: Client;
  /** How many bytes the peer has sent so far. */
  received(): number;
  /** Ends it in order. */
  close(): void;
  /** Cuts it off, without waiting for a peer that may not be there. */
  destroy(): void;
}

/** A place on a connection, for one call. */
export interface Lease<Client> {
  readonly client: Client;
  /** The call is over. May be called again. */
  end(): void;
  /** The call is over because its caller would not wait any longer. */
  giveUp(): void;
}

interface Used<Client> extends Connection<Client> {
  readonly madeAt: number;
  calls: number;
  /** Since when a call waits without a byte from the peer, and how many bytes had come by then. */
  silence: { readonly since: number; readonly received: number };
}

/** How long a peer may be silent, in milliseconds, before a caller that gives up counts as evidence against the path. */
const SILENCE_MS = 1_000;

/**
 * The connection that calls are made on, and those before it whose calls are not over. A path may be dead without a FIN
 * or RST to say so, while new connections work. So when a caller gives up and the peer has sent nothing at all since the
 * first call that it left unanswered, for a second at least, calls to come are made on a new connection. Open calls keep
 * theirs: a peer that is only slow costs them nothing.
 */
export class GrpcConnections<Client> {
  readonly #make: () => Connection<Client>;
  readonly #past = new Set<Used<Client>>();
  #current: Used<Client>;

  constructor(make: () => Connection<Client>) {
    this.#make = make;
    this.#current = this.#open();
  }

  lease(): Lease<Client> {
    const used = this.#current;
    used.calls += 1;
    if (used.received() !== used.silence.received || used.silence.since < used.madeAt) {
      used.silence = { since: performance.now(), received: used.received() };
    }
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      used.calls -= 1;
      this.#dropUnused(used);
    };
    const giveUp = (): void => {
      const { since, received } = used.silence;
      const isSilent = used.received() === received && performance.now() - since >= SILENCE_MS;
      if (!over && isSilent && used === this.#current) this.#replace();
      end();
    };
    return { client: used.client, end, giveUp };
  }

  /** Makes calls to come on a connection that was made after this instant of `performance.now()`. */
  renew(since: number): void {
    if (this.#current.madeAt <= since) this.#replace();
  }

  close(): void {
    for (const used of [...this.#past, this.#current]) used.close();
    this.#past.clear();
  }

  #replace(): void {
    const used = this.#current;
    this.#past.add(used);
    this.#current = this.#open();
    this.#dropUnused(used);
  }

  #dropUnused(used: Used<Client>): void {
    if (used.calls === 0 && this.#past.delete(used)) used.destroy();
  }

  #open(): Used<Client> {
    const madeAt = performance.now();
    return { ...this.#make(), madeAt, calls: 0, silence: { since: Number.NEGATIVE_INFINITY, received: 0 } };
  }
}
