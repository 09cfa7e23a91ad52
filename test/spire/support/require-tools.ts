import { requireSpire } from './binaries.js';
import { openFaultTable } from './fault-table.js';
import { requireProbeTools } from './go-probe.js';

/** Before the first test: says in one sentence what is missing. After the last: prints the table of faults. */
export default function requireTools(): () => void {
  requireSpire();
  requireProbeTools();
  return openFaultTable();
}
