import { describe, expect, it, vi } from 'vitest';
import { rememberProcess } from '../../src/broker-api/process-identity.js';
import { IdleProcess } from '../support/broker-bench.js';

const stat = vi.hoisted(() => ({ text: undefined as string | Error | undefined }));

vi.mock('node:fs', async (load) => {
  const real = await load<typeof import('node:fs')>();
  return {
    ...real,
    readFileSync: (path: string, encoding: 'latin1') => {
      if (stat.text === undefined) return real.readFileSync(path, encoding);
      if (typeof stat.text === 'string') return stat.text;
      throw stat.text;
    },
  };
});

/** proc(5): process ID, name, state, parent, then numbers; the 22nd field is when it was started. */
const line = (name: string, state: string, startedAt: number): string =>
  `4242 (${name}) ${state} 1 4242 4242 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 1 0 ${startedAt} 1000 100 18446744073709551615\n`;

describe.skipIf(process.platform !== 'linux')('a remembered process', () => {
  it('is the same until it has ended', async () => {
    await using child = new IdleProcess();
    const isSame = rememberProcess(child.pid);
    expect([isSame(), isSame()]).toEqual([true, true]);
    await child.kill();
    expect(isSame()).toBe(false);
  });

  it('is not the one that got its number later', () => {
    stat.text = line('worker', 'S', 100);
    const isSame = rememberProcess(4242);
    expect(isSame()).toBe(true);
    stat.text = line('worker', 'S', 101);
    expect(isSame()).toBe(false);
  });

  it('cannot hide behind its name', () => {
    stat.text = line('x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 (', 'R', 100);
    const isSame = rememberProcess(4242);
    expect(isSame()).toBe(true);
    stat.text = line('x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 (', 'R', 200);
    expect(isSame()).toBe(false);
  });

  it.each(['Z', 'X'])('has ended when its state is %s', (state) => {
    stat.text = line('worker', 'S', 100);
    const isSame = rememberProcess(4242);
    stat.text = line('worker', state, 100);
    expect(isSame()).toBe(false);
  });

  it('is looked for by signal 0 where the process table cannot be read', async () => {
    stat.text = Object.assign(new Error('hidden'), { code: 'ENOENT' });
    await using child = new IdleProcess();
    const isSame = rememberProcess(child.pid);
    expect([isSame(), rememberProcess(1)(), rememberProcess(2 ** 31 - 1)()]).toEqual([true, true, false]);
    await child.kill();
    expect(isSame()).toBe(false);
    stat.text = undefined;
  });
});
