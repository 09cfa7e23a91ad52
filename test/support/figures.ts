/** A whole number with commas. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** How often each thing came, in one line. */
export function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, times]) => `${count(times)} ${name}`)
    .join(' + ');
}

/** A size in bytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
