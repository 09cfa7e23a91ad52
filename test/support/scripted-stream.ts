import type { GrpcServerCall } from '../../src/workload-api/grpc-server.js';
import { type GrpcStatusCode, GrpcStatusError } from '../../src/workload-api/grpc-status.js';

/** What a stream does the moment it is opened: sends this, refuses with this status, or stays silent. */
type Opening<M> = { readonly send: M } | { readonly refuse: GrpcStatusCode } | 'hang';

/** One streaming method, driven by the test. */
export class ScriptedStream<M> {
  /** What every newly opened stream begins with. */
  opening: Opening<M> = 'hang';
  /** How many streams were opened so far. */
  opened = 0;
  /** What every opened stream was called with. */
  readonly calls: GrpcServerCall[] = [];
  readonly #lines = new Set<Line<M>>();
  /** What was put while no stream was open: it waits for the next one, because a client opens its streams when it likes. */
  readonly #early: Put<M>[] = [];

  /** How many streams are open now. */
  get open(): number {
    return this.#lines.size;
  }

  /** Sends a message on every open stream; where none is, on the next one. */
  push(message: M): void {
    this.#put({ message });
  }

  /** Ends every open stream with a status, or the next one where none is; without a status, with OK. */
  end(status?: GrpcStatusCode): void {
    this.#put({ end: status });
    this.#lines.clear();
  }

  async *serve(call: GrpcServerCall): AsyncIterable<M> {
    const { opening } = this;
    this.opened += 1;
    this.calls.push(call);
    if (opening !== 'hang' && 'refuse' in opening) throw refusal(opening.refuse);
    const line = this.#open(call.signal);
    try {
      if (opening !== 'hang') yield opening.send;
      for (;;) {
        const next = await line.take();
        if ('message' in next) yield next.message;
        else if (next.end === undefined) return;
        else throw refusal(next.end);
      }
    } finally {
      this.#lines.delete(line);
    }
  }

  #open(signal: AbortSignal): Line<M> {
    const line = new Line<M>();
    this.#lines.add(line);
    signal.addEventListener(
      'abort',
      () => {
        this.#lines.delete(line);
        line.put({ end: undefined });
      },
      { once: true },
    );
    const end = this.#early.findIndex((item) => 'end' in item);
    for (const item of this.#early.splice(0, end === -1 ? this.#early.length : end + 1)) line.put(item);
    if (end !== -1) this.#lines.delete(line);
    return line;
  }

  #put(item: Put<M>): void {
    if (this.#lines.size === 0) this.#early.push(item);
    for (const line of this.#lines) line.put(item);
  }
}

export function refusal(status: GrpcStatusCode): GrpcStatusError {
  return new GrpcStatusError(status, 'scripted');
}

type Put<M> = { readonly message: M } | { readonly end: GrpcStatusCode | undefined };

class Line<M> {
  readonly #waiting: Put<M>[] = [];
  #wake: () => void = () => {};

  put(item: Put<M>): void {
    this.#waiting.push(item);
    this.#wake();
  }

  async take(): Promise<Put<M>> {
    for (;;) {
      const item = this.#waiting.shift();
      if (item !== undefined) return item;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
