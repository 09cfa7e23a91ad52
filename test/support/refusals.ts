import { isSvidkitError } from 'svidkit/errors';
import { ReadError } from '../../src/internal/read-error.js';

/** The rule that a strict reader refused by; `accepted` when it did not. Anything else that is thrown comes through. */
export function ruleOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ReadError) return error.rule;
    throw error;
  }
  return 'accepted';
}

/** The code that a room refused by; `accepted` when it did not. Anything else that is thrown comes through. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isSvidkitError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}
