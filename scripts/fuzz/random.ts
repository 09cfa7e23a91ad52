/** Random numbers that a seed repeats (mulberry32); nothing here is for keys. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to and without `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit;
  }

  /** A whole number from 0 up to and without `limit`; 0 where that is 0. */
  index(limit: number): number {
    return Math.floor(this.below(limit));
  }

  chance(probability: number): boolean {
    return this.below(1) < probability;
  }

  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('there is nothing to pick from');
    return values[this.index(values.length)] as T;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.index(256));
  }

  /** As many as `length` says, each made anew. */
  list<T>(length: number, make: () => T): T[] {
    return Array.from({ length }, make);
  }

  /** Mostly short, sometimes long. */
  length(): number {
    return this.chance(0.02) ? this.index(2000) : this.index(12);
  }
}

/** The number that a seed gives one reader, so that each has a sequence of its own. */
export function seedFor(seed: number, name: string): number {
  let hash = seed >>> 0;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
