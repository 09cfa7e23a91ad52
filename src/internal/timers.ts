/** The longest delay that Node's timers hold, in milliseconds: 24 days and a little. A longer one would go off at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

/**
 * The timer of a time limit; `undefined` for one beyond what timers hold, which is none: nobody waits that long to learn
 * that something takes too long.
 */
export function limitTimer(limitMs: number, onLimit: () => void): NodeJS.Timeout | undefined {
  return limitMs <= LONGEST_TIMER_MS ? setTimeout(onLimit, limitMs) : undefined;
}

/** An interval, or the bound of a delay, in milliseconds. One that timers do not hold, or that is none, is misuse. */
export function intervalOption(name: string, value: number): number {
  if (isWithinTimers(value) && value > 0) return value;
  throw new TypeError(`${name} must be a positive number of at most ${LONGEST_TIMER_MS} milliseconds`);
}

/** A time to wait in milliseconds, which may be none at all. One that timers do not hold is misuse. */
export function delayOption(name: string, value: number): number {
  if (isWithinTimers(value)) return value;
  throw new TypeError(`${name} must be from 0 to ${LONGEST_TIMER_MS} milliseconds`);
}

function isWithinTimers(value: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= LONGEST_TIMER_MS;
}
