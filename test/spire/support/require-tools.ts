import { requireSpire } from './binaries.js';
import { requireProbeTools } from './go-probe.js';

/** Before the first test: says in one sentence what is missing, instead of failing in every file. */
export default function requireTools(): void {
  requireSpire();
  requireProbeTools();
}
