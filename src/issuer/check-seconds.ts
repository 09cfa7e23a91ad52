/** The number of seconds, when it can be a lifetime: certificates and tokens count in whole seconds. */
export function checkSeconds(name: string, seconds: number): number {
  if (!Number.isSafeInteger(seconds) || seconds <= 0) {
    throw new TypeError(`${name} must be a positive whole number of seconds`);
  }
  return seconds;
}
