import type { JsonRule } from '../internal/json.js';
import type { JwkRule } from '../internal/jwk.js';
import { SvidkitError } from './svidkit-error.js';

export type BundleErrorCode =
  | JsonRule
  | JwkRule
  | 'not_a_jwk_set'
  | 'duplicate_kid'
  | 'missing_kid'
  | 'bad_x5c'
  | 'bad_sequence'
  | 'bad_refresh_hint'
  | 'duplicate_bundle'
  | 'not_a_ca';

/** Trust material that must not be trusted as it is. */
export class BundleError extends SvidkitError<BundleErrorCode> {}
