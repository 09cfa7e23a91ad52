import type { Clause, TestRef } from '../spec-map.js';

/** One thing that a verifier must withstand. */
export function row(at: string, text: string, ...tests: readonly (readonly TestRef[])[]): Clause {
  return { at, level: 'threat', binds: 'verifier', text, tests: tests.flat() };
}
