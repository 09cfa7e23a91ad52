const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Keeps the event loop, and so the process, alive until the returned function is called. */
export function holdProcess(): () => void {
  const timer = setInterval(() => {}, LONGEST_TIMER_MS);
  return () => clearInterval(timer);
}
