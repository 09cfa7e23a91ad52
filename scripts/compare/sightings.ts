/** Which serial numbers somebody has seen, and when each came first. Times are milliseconds since the epoch. */
export class Sightings {
  readonly #first = new Map<bigint, number>();
  #newest: bigint | undefined;

  add(serial: bigint, at: number): void {
    this.#newest = serial;
    if (!this.#first.has(serial)) this.#first.set(serial, at);
  }

  get newest(): bigint | undefined {
    return this.#newest;
  }

  get serials(): readonly bigint[] {
    return [...this.#first.keys()];
  }

  /** When one came, at `since` or later, that is not among the `known`. */
  freshAt(known: ReadonlySet<bigint>, since: number): number | undefined {
    for (const [serial, at] of this.#first) if (at >= since && !known.has(serial)) return at;
    return undefined;
  }
}

/** Milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
