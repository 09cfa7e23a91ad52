import { Random, seedFor } from './random.js';
import type { FuzzReader, Input } from './reader.js';
import { textReaders } from './text-readers.js';
import { tokenReaders } from './token-readers.js';
import { x509Readers } from './x509-readers.js';

export interface Tally {
  readonly reader: string;
  tried: number;
  accepted: number;
  /** Milliseconds. */
  slowest: number;
  slowestInput: Input;
}

export interface Failure {
  readonly reader: string;
  readonly message: string;
  readonly input: Input;
}

const readers = [...tokenReaders, ...x509Readers, ...textReaders] as unknown as readonly FuzzReader[];
const MAX_CORPUS = 300;
const MAX_KEPT_LENGTH = 20_000;

export function readerNames(): readonly string[] {
  return readers.map(({ name }) => name);
}

/** Feeds one reader, its sequence repeatable from the seed as long as its good inputs are the same. */
export class Session {
  readonly tally: Tally;
  readonly #reader: FuzzReader;
  readonly #random: Random;
  readonly #corpus: Input[];

  constructor(name: string, seed: number) {
    const reader = readers.find((each) => each.name === name);
    if (reader === undefined) throw new TypeError(`there is no reader ${name}; there are ${readerNames().join(', ')}`);
    this.#reader = reader;
    this.#random = new Random(seedFor(seed, name));
    this.#corpus = [...reader.seeds];
    this.tally = { reader: name, tried: 0, accepted: 0, slowest: 0, slowestInput: '' };
  }

  /** The next input; a good one now and then becomes one of those that later ones are made of. */
  next(): Input {
    const random = this.#random;
    const corpus = this.#corpus;
    if (this.tally.tried < this.#reader.seeds.length) return this.#reader.seeds[this.tally.tried] ?? '';
    if (random.chance(0.2)) return this.#reader.generate(random);
    return this.#reader.mutate(random, random.pick(corpus), random.pick(corpus));
  }

  /** What went wrong, if anything. */
  judge(input: Input): Failure | undefined {
    const started = performance.now();
    try {
      const accepted = this.#reader.judge(input);
      if (accepted) this.#keep(input);
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { reader: this.tally.reader, message, input };
    } finally {
      const took = performance.now() - started;
      this.tally.tried += 1;
      if (took > this.tally.slowest) Object.assign(this.tally, { slowest: took, slowestInput: input });
    }
    return undefined;
  }

  #keep(input: Input): void {
    this.tally.accepted += 1;
    if (input.length > MAX_KEPT_LENGTH || !this.#random.chance(0.05)) return;
    if (this.#corpus.length < MAX_CORPUS) this.#corpus.push(input);
    else this.#corpus[this.#reader.seeds.length + this.#random.index(MAX_CORPUS - this.#reader.seeds.length)] = input;
  }
}
