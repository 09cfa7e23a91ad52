import { limitTimer } from './timers.js';

/** Who listens to a signal: Node warns of more than ten listeners, so each signal has one that calls all. */
const listening = new WeakMap<AbortSignal, { readonly listeners: Set<() => void>; readonly stop: () => void }>();

/**
 * Calls `listener` once when `signal` aborts, at once if it already has. The returned function takes the listener off
 * again, so that a signal which outlives thousands of calls does not collect them.
 */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener(signal.reason);
    return () => {};
  }
  const listen = () => listener(signal.reason);
  const { listeners, stop } = listening.get(signal) ?? startListening(signal);
  listeners.add(listen);
  return () => {
    if (listeners.delete(listen) && listeners.size === 0) stop();
  };
}

function startListening(signal: AbortSignal): { listeners: Set<() => void>; stop: () => void } {
  const listeners = new Set<() => void>();
  const callAll = (): void => {
    for (const listen of listeners) listen();
  };
  const stop = (): void => {
    listening.delete(signal);
    signal.removeEventListener('abort', callAll);
  };
  signal.addEventListener('abort', callAll, { once: true });
  listening.set(signal, { listeners, stop });
  return { listeners, stop };
}

/**
 * Waits for `promise`, or rejects with the signal's reason as soon as it aborts. What the promise does afterwards is
 * ignored, also when it rejects: aborting ends the waiting, not the work.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const release = onAbort(signal, reject);
    promise.then(resolve, reject).finally(release);
  });
}

export interface SleepOptions {
  /** Ends the sleep early, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Waits for `delayMs`. The timer does not keep the process alive. */
export function sleep(delayMs: number, options: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      release();
      resolve();
    }, delayMs);
    timer.unref();
    const release = onAbort(options.signal, (reason) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
}

/** A scope of work that ends with its caller's signal, or when its time is up, and is told apart by the reason. */
export interface Scope extends Disposable {
  readonly signal: AbortSignal;
  /** Aborts the work with this reason. Later calls have no effect. */
  abort(reason: unknown): void;
  /** Takes the time limit away: the work has shown that it is alive. */
  stopTimer(): void;
}

export interface ScopeOptions {
  /** The caller's signal; its reason becomes the scope's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Time limit in milliseconds; one beyond what a timer holds, 24 days, means none. Default: none. The timer does not keep
   * the process alive.
   */
  readonly timeoutMs?: number | undefined;
  /** Makes the reason for a time limit that was reached. */
  readonly onTimeout: () => Error;
}

/** Opens a {@link Scope}. Disposing it takes timer and listener away without aborting. */
export function openScope(options: ScopeOptions): Scope {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stopTimer = () => clearTimeout(timer);
  if (options.timeoutMs !== undefined) {
    timer = limitTimer(options.timeoutMs, () => controller.abort(options.onTimeout()));
    timer?.unref();
  }
  const release = onAbort(options.signal, (reason) => controller.abort(reason));
  const dispose = () => {
    stopTimer();
    release();
  };
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    stopTimer,
    [Symbol.dispose]: dispose,
  };
}
