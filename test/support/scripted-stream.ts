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

  /** How many streams are open now. */
  get open(): number {
    return this.#lines.size;
  }

  /** Sends a message on every open stream. */
  push(message: M): void {
    for (const line of this.#lines) line.put({ message });
  }

  /** Ends every open stream with a status; without one, with OK. */
  end(status?: GrpcStatusCode): void {
    for (const line of this.#lines) line.put({ end: status });
  }

  async *serve(call: GrpcServerCall): AsyncIterable<M> {
    this.opened += 1;
    this.calls.push(call);
    const line = new Line<M>(call.signal);
    this.#lines.add(line);
    try {
      if (this.opening !== 'hang' && 'refuse' in this.opening) throw refusal(this.opening.refuse);
      if (this.opening !== 'hang') yield this.opening.send;
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
}

export function refusal(status: GrpcStatusCode): GrpcStatusError {
  return new GrpcStatusError(status, 'scripted');
}

type Put<M> = { readonly message: M } | { readonly end: GrpcStatusCode | undefined };

class Line<M> {
  readonly #waiting: Put<M>[] = [];
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.put({ end: undefined }), { once: true });
  }

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
