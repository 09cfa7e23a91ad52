/** The longest delay that Node's timers hold, in milliseconds: 24 days and a little. A longer one would go off at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;
