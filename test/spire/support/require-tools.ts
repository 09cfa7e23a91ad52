import { requireSpire } from './binaries.js';
import { openFaultTable } from './fault-table.js';
import { requireProbeTools } from './go-probe.js';
import { compileGoPrograms } from './go-programs.js';

/**
 * Before the first test: says in one sentence what is missing, and compiles the programs at the other end. After the
 * last: prints the table of faults.
 */
export default async function requireTools(): Promise<() => void> {
  requireSpire();
  requireProbeTools();
  console.log('Compiling the Go programs (a moment, or some minutes with an empty Go cache)');
  await compileGoPrograms();
  return openFaultTable();
}
