/** Calls somebody who only wants to know. What they throw is ignored: it must not decide what happens next. */
export function tell<Arguments extends readonly unknown[]>(
  listener: ((...told: Arguments) => unknown) | undefined,
  ...told: Arguments
): void {
  try {
    listener?.(...told);
  } catch {}
}
