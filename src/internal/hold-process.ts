import { LONGEST_TIMER_MS } from './timers.js';

/** Keeps the event loop, and so the process, alive until the returned function is called. */
export function holdProcess(): () => void {
  const timer = setInterval(() => {}, LONGEST_TIMER_MS);
  return () => clearInterval(timer);
}
