import { BrokerApiError } from '../errors/index.js';
import { rememberProcess } from './process-identity.js';
import type { ReadReference } from './reference.js';

/** How often a process is looked for, besides every time that something of it is used. */
const EVERY_MS = 1_000;

/**
 * Whether the workload of a reference can still be the one that was meant: once it has ended, nothing that came for it
 * may be used, and its reference must not be asked for again (SPIFFE_Broker_API section 4.9). Process IDs are given to
 * new processes, and an endpoint attests whoever has one at the time; so the end of a process is final.
 */
export class WorkloadLife {
  readonly #reference: ReadReference;
  readonly #isSame: () => boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  #ended: BrokerApiError | undefined;
  #onEnd: (error: BrokerApiError) => void = () => {};

  /** @param watch whether a process is looked for, in the process table of this machine. */
  constructor(reference: ReadReference, watch: boolean) {
    this.#reference = reference;
    const { pid } = reference;
    if (pid === undefined || !watch) {
      this.#isSame = () => true;
      return;
    }
    this.#isSame = rememberProcess(pid);
    this.#timer = setInterval(() => this.check(), EVERY_MS);
    this.#timer.unref();
  }

  /** Why the workload is not there any more, as far as is known. */
  get ended(): BrokerApiError | undefined {
    return this.#ended;
  }

  /** Calls back once, when the end is noticed; at once if it has been. */
  onEnd(listener: (error: BrokerApiError) => void): void {
    this.#onEnd = listener;
    if (this.#ended !== undefined) listener(this.#ended);
  }

  /** Looks whether the process is still there. */
  check(): void {
    if (this.#ended !== undefined || this.#isSame()) return;
    const { label } = this.#reference;
    this.#end(new BrokerApiError('workload_ended', `${label} has ended; nothing of it is used any more`));
  }

  /** The endpoint has not found the workload. Of an object that may be made later, that is not the end. */
  notFound(error: BrokerApiError): void {
    if (this.#reference.pid !== undefined) this.#end(error);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #end(error: BrokerApiError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.stop();
    this.#onEnd(error);
  }
}
