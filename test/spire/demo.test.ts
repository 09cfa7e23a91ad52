import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { superviseUntilExit } from './support/processes.js';
import { useSpire } from './support/use-spire.js';
import { ownUser } from './support/users.js';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** Steps that need WIT-SVIDs, which a SPIRE agent does not serve yet. */
const STEPS_WITH_WIT = [
  'A call with a Workload Identity Token and a proof of possession (WIT and WPT)',
  'Lie 1: a proof made for another service',
  'Lie 2: a proof used twice',
  'Lie 3: a stolen WIT, without its key',
];

describe('the demo on the socket of a real SPIRE agent', () => {
  const spire = useSpire();

  it('passes, and says which steps that endpoint cannot show', async () => {
    // A lifetime of 30 s is renewed within about 10 s, so that the demo waits for a rotation.
    await spire().commands.createEntry({ path: '/agents/planner', uid: ownUser(), x509TtlSeconds: 30 });
    const { status, output } = await runDemo('--socket', spire().address);
    expect(status, output).toBe(0);
    expect(output).not.toContain('FAILED');
    expect(output).toContain('agent    spiffe://example.org/agents/planner');
    expect(stepsNotShown(output)).toEqual(STEPS_WITH_WIT);
  });
});

/** Titles of the steps under which the demo says that the endpoint cannot show them. */
function stepsNotShown(output: string): string[] {
  const titles: string[] = [];
  let title = '';
  for (const line of output.split('\n')) {
    const heading = /^ *\d+\.\d s {2}(.+)$/.exec(line)?.[1];
    if (heading !== undefined) title = heading;
    if (line.includes('This endpoint cannot show this step')) titles.push(title);
  }
  return titles;
}

async function runDemo(...args: readonly string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn('npm', ['run', 'demo', '--', ...args], { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'pipe'] });
  void superviseUntilExit(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  await once(child, 'close');
  return { status: child.exitCode, output };
}
