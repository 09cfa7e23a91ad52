import type { WorkloadApiError } from 'svidkit/errors';

/** An `onError` that remembers, and the backoff of a test that takes the endpoint away on purpose. */
export interface Heard {
  readonly codes: string[];
  readonly onError: (error: WorkloadApiError) => void;
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
}

export function hear(): Heard {
  const codes: string[] = [];
  return { codes, onError: ({ code }) => codes.push(code), backoff: { initialMs: 1, maxMs: 20 } };
}
