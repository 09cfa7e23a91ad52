import { SvidkitError } from './svidkit-error.js';

/**
 * Why a text is not a workload identifier or trust domain.
 *
 * - `too_long`: over 2048 bytes (SPIFFE-ID section 2.3), or a trust domain name over 255.
 * - `wrong_scheme`: not `spiffe://`, nor `wimse://` where that is accepted; upper case counts as wrong.
 * - `empty_trust_domain`: nothing between `//` and the path.
 * - `bad_trust_domain`: a character outside `[a-z0-9._-]`, userinfo, a port, or an IP address in a `wimse` identifier.
 * - `bad_path`: a character that a path segment must not hold; query, fragment and percent-encoding included.
 * - `empty_segment`: `//` in the path or a trailing `/`.
 * - `dot_segment`: `.` or `..` as a segment.
 */
export type IdErrorCode =
  | 'too_long'
  | 'wrong_scheme'
  | 'empty_trust_domain'
  | 'bad_trust_domain'
  | 'bad_path'
  | 'empty_segment'
  | 'dot_segment';

/** A text that is not a valid SPIFFE ID, WIMSE workload identifier or trust domain. */
export class IdError extends SvidkitError<IdErrorCode> {}
