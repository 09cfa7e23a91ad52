import type { InteropCase } from '../support/case.js';
import { keySetCases, spiffeBundleCases } from './bundles.js';
import { jwtCases } from './jwt.js';
import { characterCases, nameCases } from './names.js';
import { prepareTokenKeys } from './token-cases.js';
import { witCases } from './wit.js';
import { keyCases } from './x509-keys.js';
import { leafCases } from './x509-leaf.js';
import { nameConstraintCases } from './x509-name-constraints.js';
import { ownCases, x509BundleCases } from './x509-own.js';
import { pathCases } from './x509-path.js';

export interface Cases {
  readonly all: readonly InteropCase[];
  /** When the tokens were made: the peers look at the clock of the machine, so they have to be asked at once. */
  readonly timeMs: number;
}

export function makeCases(): Cases {
  const timeless = [
    ...nameCases(),
    ...characterCases(),
    ...leafCases(),
    ...keyCases(),
    ...pathCases(),
    ...nameConstraintCases(),
    ...ownCases(),
    ...x509BundleCases(),
    ...keySetCases(),
    ...spiffeBundleCases(),
  ];
  prepareTokenKeys();
  const timeMs = Date.now();
  const now = Math.floor(timeMs / 1000);
  return { all: [...timeless, ...jwtCases(now), ...witCases(now)], timeMs };
}
