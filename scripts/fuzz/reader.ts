import { isSvidkitError } from 'svidkit/errors';
import { ReadError } from '../../src/internal/read-error.js';
import type { Random } from './random.js';

export type Input = string | Uint8Array;

/** One reader of the library with what to feed it. */
export interface FuzzReader<I extends Input = Input> {
  readonly name: string;
  /** Good inputs, to begin with and to take pieces from. */
  readonly seeds: readonly I[];
  /** An input out of nothing. */
  generate(random: Random): I;
  mutate(random: Random, input: I, other: I): I;
  /**
   * Whether the input was accepted.
   *
   * @throws what is not a refusal: a crash, or a {@link Violation}.
   */
  judge(input: I): boolean;
}

/** Something that was accepted and does not mean the same when it is written again. */
export class Violation extends Error {}

export function expectSame(what: string, one: unknown, other: unknown): void {
  const [left, right] = [show(one), show(other)];
  if (left !== right) throw new Violation(`${what} differ: ${left.slice(0, 300)} and ${right.slice(0, 300)}`);
}

/** Reads and, where that is accepted, checks. Only the typed refusals of the library count as such. */
export function judged<T>(read: () => T, check: (value: T) => void): boolean {
  let value: T;
  try {
    value = read();
  } catch (error) {
    if (error instanceof ReadError || isSvidkitError(error)) return false;
    throw error;
  }
  check(value);
  return true;
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'string'
    ? value
    : JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}` : each));
}
