import { isSvidkitError } from 'svidkit/errors';

/** The code that a promise was rejected with; `accepted` when it was not. Anything else that is thrown comes through. */
export async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isSvidkitError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}
