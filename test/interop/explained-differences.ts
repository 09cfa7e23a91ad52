import { bundleDifferences } from './explained/bundles.js';
import { jwtDifferences } from './explained/jwt-svids.js';
import { nameDifferences } from './explained/names.js';
import { tokenSyntaxDifferences } from './explained/token-syntax.js';
import { witDifferences } from './explained/wit-svids.js';
import { x509Differences } from './explained/x509.js';
import type { ExplainedDifference } from './support/difference.js';

/** Every difference there is. One that is not here fails the suite, and so does one that no longer occurs. */
export const EXPLAINED: readonly ExplainedDifference[] = [
  ...nameDifferences,
  ...x509Differences,
  ...bundleDifferences,
  ...jwtDifferences,
  ...witDifferences,
  ...tokenSyntaxDifferences,
];
