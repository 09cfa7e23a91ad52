import fc from 'fast-check';
import { ReplayError } from 'svidkit/errors';
import { createMemoryReplayStore, type ReplayEntry } from 'svidkit/replay';
import { describe, expect, it } from 'vitest';
import { rejectionOf } from '../support/rejections.js';

const START = 1_750_000_000_000;

function entry(key: string, seconds = 60, sender = 'spiffe://example.org/a'): ReplayEntry {
  return { key, sender, expiresAt: START + seconds * 1000 };
}

function storeAt(options: { maxEntries?: number; maxEntriesPerSender?: number } = {}) {
  const time = { now: START };
  return { time, store: createMemoryReplayStore({ ...options, clock: () => time.now }) };
}

describe('the replay store in memory', () => {
  it('threat 17: admits a key once', async () => {
    const { store } = storeAt();
    expect(await store.insert(entry('a'))).toBe('fresh');
    expect(await store.insert(entry('a'))).toBe('replayed');
    expect(await store.insert(entry('a', 30, 'spiffe://example.org/b'))).toBe('replayed');
    expect(await store.insert(entry('b'))).toBe('fresh');
  });

  it('threat 17: of a hundred inserts at once one is fresh', async () => {
    const { store } = storeAt();
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => store.insert(entry('a'))));
    expect(verdicts.filter((verdict) => verdict === 'fresh')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict === 'replayed')).toHaveLength(99);
  });

  it('threat 18: refuses when full, and never forgets a live entry to make room', async () => {
    const { store, time } = storeAt({ maxEntries: 2 });
    expect(await store.insert(entry('a', 10))).toBe('fresh');
    expect(await store.insert(entry('b', 60, 'spiffe://example.org/b'))).toBe('fresh');
    expect(await store.insert(entry('c', 60, 'spiffe://example.org/c'))).toBe('full');
    expect(await store.insert(entry('a', 10))).toBe('replayed');
    expect(await store.insert(entry('b'))).toBe('replayed');
    time.now = START + 10_000;
    expect(await store.insert(entry('c'))).toBe('fresh');
    expect(await store.insert(entry('b'))).toBe('replayed');
  });

  it('threat 18: one sender cannot take the place of the others', async () => {
    const { store, time } = storeAt({ maxEntries: 10, maxEntriesPerSender: 2 });
    expect(await store.insert(entry('a1', 10))).toBe('fresh');
    expect(await store.insert(entry('a2', 20))).toBe('fresh');
    expect(await store.insert(entry('a3'))).toBe('sender_full');
    expect(await store.insert(entry('a1'))).toBe('replayed');
    expect(await store.insert(entry('b1', 60, 'spiffe://example.org/b'))).toBe('fresh');
    time.now = START + 10_000;
    expect(await store.insert(entry('a3'))).toBe('fresh');
    expect(await store.insert(entry('a4'))).toBe('sender_full');
  });

  it('threat 18: a refused entry is not remembered and does not count', async () => {
    const { store } = storeAt({ maxEntriesPerSender: 1 });
    await store.insert(entry('a'));
    expect(await store.insert(entry('b'))).toBe('sender_full');
    expect(store.size).toBe(1);
    expect(await store.insert(entry('b', 60, 'spiffe://example.org/b'))).toBe('fresh');
  });

  it('threat 19: an entry is kept to its last millisecond and forgotten within a second after', async () => {
    const { store, time } = storeAt();
    await store.insert({ ...entry('a'), expiresAt: START + 1500 });
    time.now = START + 1499;
    expect(await store.insert(entry('a'))).toBe('replayed');
    time.now = START + 2000;
    expect(store.size).toBe(0);
    expect(await store.insert(entry('a'))).toBe('fresh');
  });

  it('threat 18: an entry that has expired by the clock of the store is an error, not fresh', async () => {
    const { store } = storeAt();
    expect(await rejectionOf(store.insert(entry('a', 0)))).toBe('expired_entry');
    await expect(store.insert(entry('a', -5))).rejects.toBeInstanceOf(ReplayError);
    const broken = createMemoryReplayStore({ clock: () => Number.NaN });
    expect(await rejectionOf(broken.insert(entry('a')))).toBe('expired_entry');
  });

  it('threat 18: a clock that is set back never forgets early and never keeps for ever', async () => {
    const { store, time } = storeAt();
    time.now = START + 100_000;
    expect(store.size).toBe(0);
    time.now = START;
    expect(await store.insert(entry('a', 60))).toBe('fresh');
    time.now = START + 59_999;
    expect(await store.insert(entry('a', 60))).toBe('replayed');
    time.now = START + 101_000;
    expect(store.size).toBe(0);
  });

  it('threat 18: a clock that ran ahead and was set back accepts nothing that may have been forgotten', async () => {
    const { store, time } = storeAt({ maxEntriesPerSender: 2 });
    expect(await store.insert(entry('a', 60))).toBe('fresh');
    expect(await store.insert(entry('later', 90))).toBe('fresh');
    time.now = START + 70_000;
    expect(store.size).toBe(1);
    time.now = START;
    expect(await rejectionOf(store.insert(entry('a', 60)))).toBe('expired_entry');
    expect(await rejectionOf(store.insert(entry('b', 30)))).toBe('expired_entry');
    expect(await store.insert(entry('c', 61)), 'of a time that nothing was forgotten of').toBe('fresh');
    expect(await store.insert(entry('later', 90))).toBe('replayed');
    time.now = START + 60_001;
    expect(await store.insert(entry('a', 60)).catch(({ code }) => code)).toBe('expired_entry');
    time.now = START + 61_000;
    expect(await store.insert(entry('d', 120)), 'room is given out again').toBe('fresh');
  });

  it('threat 18: a clock that was years ahead for a moment does not fill the store', async () => {
    const { store, time } = storeAt({ maxEntriesPerSender: 1 });
    time.now = START + 100_000_000_000;
    expect(store.size).toBe(0);
    for (let round = 0; round < 5; round += 1) {
      time.now = START + round * 10_000;
      expect(await store.insert({ ...entry(`k${round}`), expiresAt: time.now + 5_000 })).toBe('fresh');
    }
    expect(store.size).toBe(1);
  });

  it('a long pause costs no more than the entries it expires', async () => {
    const { store, time } = storeAt();
    await store.insert(entry('a', 1));
    await store.insert(entry('far', 400_000_000));
    time.now = START + 100_000_000_000;
    expect(store.size).toBe(1);
    expect(await store.insert(entry('far', 400_000_000))).toBe('replayed');
  });

  it('holds exactly what a plain list of live entries would hold', async () => {
    const step = fc.record({
      key: fc.nat(12),
      sender: fc.nat(2),
      seconds: fc.integer({ min: 1, max: 9 }),
      pass: fc.nat(4),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { store, time } = storeAt({ maxEntries: 6, maxEntriesPerSender: 3 });
        let live: { key: string; sender: string; until: number }[] = [];
        for (const { key, sender, seconds, pass } of steps) {
          time.now += pass * 1000;
          live = live.filter(({ until }) => until > time.now);
          const candidate = { key: `k${key}`, sender: `s${sender}`, until: time.now + seconds * 1000 };
          const expected = live.some((other) => other.key === candidate.key)
            ? 'replayed'
            : live.length >= 6
              ? 'full'
              : live.filter((other) => other.sender === candidate.sender).length >= 3
                ? 'sender_full'
                : 'fresh';
          if (expected === 'fresh') live.push(candidate);
          expect(await store.insert({ ...candidate, expiresAt: candidate.until })).toBe(expected);
          expect(store.size).toBe(live.length);
        }
      }),
    );
  });

  it('an aborted insert stores nothing', async () => {
    const { store } = storeAt();
    await expect(store.insert(entry('a'), { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
    expect(store.size).toBe(0);
  });

  it('misuse is a TypeError', async () => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createMemoryReplayStore({ maxEntries: value })).toThrow(TypeError);
      expect(() => createMemoryReplayStore({ maxEntriesPerSender: value })).toThrow(TypeError);
    }
    const { store } = storeAt();
    for (const wrong of [{ key: '' }, { key: 1 }, { sender: '' }, { sender: undefined }, { expiresAt: Number.NaN }]) {
      await expect(store.insert({ ...entry('a'), ...wrong } as unknown as ReplayEntry)).rejects.toThrow(TypeError);
    }
  });
});
