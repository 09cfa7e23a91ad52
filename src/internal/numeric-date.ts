/** The last second that a `Date` can hold. */
const MAX_SECONDS = 8_640_000_000_000;

/**
 * A NumericDate of RFC 7519 section 2 in seconds, or `undefined` when the value is anything else than a whole number
 * from zero to the end of what a `Date` can hold. Fractions, which RFC 7519 would allow, no issuer of ours writes.
 */
export function readNumericDate(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_SECONDS
    ? value
    : undefined;
}
