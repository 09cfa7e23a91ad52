import { abortable } from '../internal/abort.js';

/**
 * The body of a verified message: whole and verified, or, when it was too long to be held back, in pieces that must not
 * be acted upon before the last one has come.
 */
export type VerifiedBody = VerifiedContent | VerifyingContent;

/** A body whose digest matched; empty for a message without one. */
export class VerifiedContent {
  readonly state = 'verified' as const;
  readonly #bytes: Uint8Array;

  /** @internal */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    Object.freeze(this);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
}

interface VerifyingParts {
  readonly source: AsyncIterator<Uint8Array>;
  /** What was read before, and has been counted into the digest. */
  readonly held: readonly Uint8Array[];
  readonly signal: AbortSignal | undefined;
  readonly update: (chunk: Uint8Array) => void;
  readonly verify: () => void;
}

/**
 * A body that is verified while it is read, once and to the end. Iterating throws `digest_mismatch` in the place of the
 * last piece when the body is not the one that was signed; what came before it is then worth nothing. Leaving the loop
 * early ends the source, and leaves the body unverified.
 */
export class VerifyingContent implements AsyncIterable<Uint8Array> {
  readonly state = 'verifying' as const;
  readonly #parts: VerifyingParts;
  #started = false;

  /** @internal */
  constructor(parts: VerifyingParts) {
    this.#parts = parts;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#started) throw new TypeError('a body can be read once');
    this.#started = true;
    return new VerifyingIterator(this.#parts);
  }
}

/** Always one piece behind, so that the last piece is not given before the digest has matched. */
class VerifyingIterator implements AsyncIterator<Uint8Array> {
  readonly #parts: VerifyingParts;
  readonly #held: Uint8Array[];
  #ended = false;

  constructor(parts: VerifyingParts) {
    this.#parts = parts;
    this.#held = [...parts.held];
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      while (!this.#ended && this.#held.length < 2) await this.#read();
    } catch (error) {
      this.#held.length = 0;
      const fresh = !this.#ended;
      this.#ended = true;
      const ending = fresh ? this.#endSource() : undefined;
      // A source that does not go on giving may never end either, and nobody waits for it any more.
      if (this.#parts.signal?.aborted !== true) await ending;
      throw error;
    }
    const value = this.#held.shift();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#held.length = 0;
    if (!this.#ended) {
      this.#ended = true;
      await this.#parts.source.return?.();
    }
    return { done: true, value: undefined };
  }

  async #read(): Promise<void> {
    const { source, signal, update, verify } = this.#parts;
    const next = await abortable(source.next(), signal);
    if (next.done === true) {
      this.#ended = true;
      verify();
    } else {
      update(next.value);
      if (next.value.length > 0) this.#held.push(next.value);
    }
  }

  async #endSource(): Promise<void> {
    try {
      await this.#parts.source.return?.();
    } catch {
      // The error that ended the body is the one to hear about.
    }
  }
}
