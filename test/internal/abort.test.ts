import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { abortable, onAbort, openScope, sleep } from '../../src/internal/abort.js';
import { until } from '../support/until.js';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('onAbort', () => {
  it('calls at once when the signal has aborted, once when it aborts, never after release', () => {
    const calls: unknown[] = [];
    onAbort(AbortSignal.abort('before'), (reason) => calls.push(reason));
    const controller = new AbortController();
    onAbort(controller.signal, (reason) => calls.push(reason));
    const release = onAbort(controller.signal, () => calls.push('released'));
    release();
    controller.abort('now');
    onAbort(undefined, () => calls.push('no signal'))();
    expect(calls).toEqual(['before', 'now']);
  });

  it('hangs one listener on a signal, however many wait, and takes it off with the last of them', () => {
    const controller = new AbortController();
    const calls: number[] = [];
    const releases = Array.from({ length: 50 }, (_, index) => onAbort(controller.signal, () => calls.push(index)));
    expect(listeners(controller.signal)).toBe(1);
    for (const release of releases.slice(1)) release();
    expect(listeners(controller.signal)).toBe(1);
    for (const release of releases) release();
    expect(listeners(controller.signal)).toBe(0);
    onAbort(controller.signal, () => calls.push(50));
    controller.abort();
    expect(calls).toEqual([50]);
  });
});

describe('abortable', () => {
  it('passes on what the promise does, and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(abortable(Promise.reject(new Error('x')), signal)).rejects.toThrow('x');
    await expect(abortable(Promise.resolve(2), undefined)).resolves.toBe(2);
    expect(listeners(signal)).toBe(0);
  });

  it('rejects with the reason, while the work goes on and may fail unheard', async () => {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => {};
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const waiting = abortable(work, controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    fail(new Error('too late'));
    await expect(abortable(Promise.resolve(), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('sleep', () => {
  it('ends by itself or with the reason of an abort', async () => {
    await expect(sleep(1)).resolves.toBeUndefined();
    const controller = new AbortController();
    const sleeping = sleep(100_000, { signal: controller.signal });
    controller.abort('up');
    await expect(sleeping).rejects.toBe('up');
    await expect(sleep(100_000, { signal: AbortSignal.abort('already') })).rejects.toBe('already');
    expect(listeners(controller.signal)).toBe(0);
  });
});

describe('openScope', () => {
  const onTimeout = (): Error => new Error('too slow');

  it('ends with the caller, with its time, or by hand, and tells which', async () => {
    const caller = new AbortController();
    const byCaller = openScope({ signal: caller.signal, onTimeout });
    caller.abort('caller');
    expect(byCaller.signal.reason).toBe('caller');

    const byTime = openScope({ timeoutMs: 1, onTimeout });
    await until(() => byTime.signal.reason?.message).toBe('too slow');

    for (const timeoutMs of [2 ** 31, Number.POSITIVE_INFINITY]) {
      const unlimited = openScope({ timeoutMs, onTimeout });
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(unlimited.signal.aborted, `${timeoutMs}`).toBe(false);
    }

    const byHand = openScope({ onTimeout });
    byHand.abort('hand');
    byHand.abort('again');
    expect(byHand.signal.reason).toBe('hand');
  });

  it('lets go of signal and timer when it is disposed, or of the timer alone', async () => {
    const caller = new AbortController();
    const disposed = openScope({ signal: caller.signal, timeoutMs: 1, onTimeout });
    disposed[Symbol.dispose]();
    const alive = openScope({ signal: caller.signal, timeoutMs: 1, onTimeout });
    alive.stopTimer();
    const endless = openScope({ timeoutMs: Number.POSITIVE_INFINITY, onTimeout });
    await sleep(5);
    expect([disposed, alive, endless].map((scope) => scope.signal.aborted)).toEqual([false, false, false]);
    expect(listeners(caller.signal)).toBe(1);
  });
});
