import type { X509Source } from 'svidkit/workload-api';
import { plainSerial } from '../../tls-matrix/support/speech.js';

interface Span {
  readonly serial: string;
  readonly from: number;
  readonly expiresAt: number;
}

/** Which SVID a source gave when. */
export class IdentityLog {
  readonly #spans: Span[] = [];
  readonly #ended = new AbortController();

  constructor(source: X509Source) {
    this.#note(source);
    void this.#follow(source);
  }

  get count(): number {
    return this.#spans.length;
  }

  /** When the source gave something else than that SVID; `Infinity` while it is the newest. */
  replacedAt(serial: string): number {
    return this.#spans[this.#indexOf(serial) + 1]?.from ?? Number.POSITIVE_INFINITY;
  }

  expiryOf(serial: string): number {
    return this.#spans[this.#indexOf(serial)]?.expiresAt ?? 0;
  }

  end(): void {
    this.#ended.abort();
  }

  #indexOf(serial: string): number {
    const index = this.#spans.findIndex((span) => span.serial === serial);
    if (index < 0) throw new Error('the source never gave this SVID');
    return index;
  }

  #note(source: X509Source): void {
    const { certificates, expiresAt } = source.getX509Svid();
    const serial = plainSerial(certificates[0]?.serialNumber ?? '');
    if (this.#spans.at(-1)?.serial === serial) return;
    this.#spans.push({ serial, from: Date.now(), expiresAt: expiresAt.getTime() });
  }

  async #follow(source: X509Source): Promise<void> {
    try {
      for await (const _ of source.updates({ signal: this.#ended.signal })) this.#note(source);
    } catch (error) {
      if (!this.#ended.signal.aborted) throw error;
    }
  }
}
