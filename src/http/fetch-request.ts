import { separateFields } from './joined-fields.js';
import type { AuthenticatableRequest } from './request-authenticator.js';

/**
 * Makes a `Request` of the Fetch Standard authenticatable, for servers that give nothing else: Bun, Deno, workers.
 *
 * A `Request` joins repeated header fields with a comma, so that they cannot be counted. Here each value is taken apart
 * at its commas: no token that is looked at has one, and what may be two is refused as `duplicate_header`. A further
 * token (`otherTokens`) with a comma in its value is refused as well, therefore. What a platform drops before it makes
 * the `Request` stays unseen: on Node use the request of `node:http`, as {@link requireCallerHono} does by itself.
 *
 * Of the URL only path and query are used, as the platform has normalised them; its host comes from the client.
 */
export function readFetchRequest(request: Request): AuthenticatableRequest {
  return { rawHeaders: separateFields(request.headers), url: request.url.replace(/^[^:]*:\/\/[^/?#]*/, '') };
}
