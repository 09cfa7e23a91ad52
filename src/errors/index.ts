export { BundleError, type BundleErrorCode } from './bundle-error.js';
export { IdError, type IdErrorCode } from './id-error.js';
export { isSvidkitError, SvidkitError } from './svidkit-error.js';
