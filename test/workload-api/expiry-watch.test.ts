import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ExpiryWatch } from '../../src/workload-api/expiry-watch.js';

const SECOND = 1_000;

describe('watching for the expiry of what was delivered', () => {
  let expired: string[];
  let watch: ExpiryWatch<{ readonly name: string; readonly expiresAt: Date }>;
  /** How far the clock is ahead of the timers. */
  let ahead: number;

  beforeEach(() => {
    vi.useFakeTimers();
    expired = [];
    ahead = 0;
    watch = new ExpiryWatch(
      () => Date.now() + ahead,
      ({ name }) => expired.push(name),
    );
  });

  afterEach(() => {
    watch[Symbol.dispose]();
    vi.useRealTimers();
  });

  const expiringIn = (ms: number, name = 'one') => ({ name, expiresAt: new Date(Date.now() + ms) });

  it('calls back once, when it has expired', () => {
    watch.follow(expiringIn(3600 * SECOND));
    vi.advanceTimersByTime(3600 * SECOND - 1);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1 * SECOND);
    expect(expired).toEqual(['one']);
    vi.advanceTimersByTime(3600 * SECOND);
    expect(expired).toEqual(['one']);
  });

  it('notices within half a minute that the clock was set, or the machine slept', () => {
    watch.follow(expiringIn(3600 * SECOND));
    vi.advanceTimersByTime(1 * SECOND);
    ahead = 3600 * SECOND;
    vi.advanceTimersByTime(30 * SECOND);
    expect(expired).toEqual(['one']);
  });

  it('looks only at what came last, and at nothing where nothing is to be presented', () => {
    watch.follow(expiringIn(10 * SECOND));
    watch.follow(expiringIn(20 * SECOND, 'two'));
    vi.advanceTimersByTime(15 * SECOND);
    expect(expired).toEqual([]);
    watch.follow(undefined);
    vi.advanceTimersByTime(60 * SECOND);
    expect(expired).toEqual([]);
  });

  it('gives an endpoint that has only what has expired half a minute each time', () => {
    watch.follow(expiringIn(-1));
    vi.advanceTimersByTime(30 * SECOND - 1);
    watch.follow(expiringIn(-1, 'again'));
    vi.advanceTimersByTime(30 * SECOND - 1);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual(['again']);
  });

  it('costs one timer a second at most where the clock stands still', () => {
    let asked = 0;
    const standing = new ExpiryWatch<{ readonly expiresAt: Date }>(
      () => {
        asked += 1;
        return 0;
      },
      () => expect.unreachable(),
    );
    standing.follow({ expiresAt: new Date(1) });
    vi.advanceTimersByTime(10 * SECOND);
    expect(asked).toBeLessThan(25);
    standing[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });
});
