import { createHash } from 'node:crypto';
import { ReplayError } from 'svidkit/errors';
import { createRedisReplayStore, type RedisReplayStoreOptions, type ReplayEntry } from 'svidkit/replay';
import { describe, expect, it } from 'vitest';
import { outcome, wpt } from '../support/proofs.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedRedis } from '../support/scripted-redis.js';

const START = 1_750_000_000_000;

function entry(key = 'a', seconds = 60, sender = 'spiffe://example.org/a'): ReplayEntry {
  return { key, sender, expiresAt: START + seconds * 1000 };
}

function storeOn(client: ScriptedRedis, changes: Partial<RedisReplayStoreOptions> = {}) {
  const time = { now: START };
  return { time, store: createRedisReplayStore({ client, clock: () => time.now, ...changes }) };
}

describe('the replay store on Redis, by what it asks and how it takes the answers', () => {
  it.each(['fresh', 'replayed', 'sender_full'])('takes the verdict %s, also as a Buffer', async (verdict) => {
    const { store } = storeOn(new ScriptedRedis(verdict, Buffer.from(verdict)));
    expect(await store.insert(entry())).toBe(verdict);
    expect(await store.insert(entry())).toBe(verdict);
  });

  it('threat 17: asks once for each insert, with the name of the script', async () => {
    const redis = new ScriptedRedis('fresh');
    const { store } = storeOn(redis);
    for (const key of ['a', 'b', 'c']) await store.insert(entry(key));
    expect(redis.calls.map(({ command }) => command)).toEqual(['evalSha', 'evalSha', 'evalSha']);
    expect(redis.calls[0]?.script).toMatch(/^[0-9a-f]{40}$/);
  });

  it.each(['NOSCRIPT No matching script. Please use EVAL.', 'NoScriptError: No matching script.'])(
    'sends the script itself where the server says %s',
    async (message) => {
      const redis = new ScriptedRedis(new Error(message), 'fresh');
      const { store } = storeOn(redis);
      expect(await store.insert(entry())).toBe('fresh');
      const [named, sent] = redis.calls;
      expect(sent?.command).toBe('eval');
      expect(createHash('sha1').update(`${sent?.script}`).digest('hex')).toBe(named?.script);
      expect([sent?.keys, sent?.args]).toEqual([named?.keys, named?.args]);
    },
  );

  it('puts all keys of an insert under one hash tag, and neither the sender nor a brace of it into them', async () => {
    const redis = new ScriptedRedis('fresh');
    const { store } = storeOn(redis, { partitions: 4, keyPrefix: 'shop' });
    const tags = new Set<string | undefined>();
    for (let index = 0; index < 100; index += 1) await store.insert(entry(`k${index}`, 60, 'spiffe://example.org/a'));
    for (const { keys } of redis.calls) {
      const of = new Set(keys.map((key) => /^\{([^{}]+)\}/.exec(key)?.[1]));
      expect(of.size).toBe(1);
      for (const tag of of) tags.add(tag);
      expect(keys.join()).not.toContain('example.org');
    }
    expect([...tags].sort()).toEqual(['shop:0', 'shop:1', 'shop:2', 'shop:3']);
  });

  it('threat 18: keeps an entry to its end and the skew of clocks longer, and shares the quota out', async () => {
    const redis = new ScriptedRedis('fresh');
    const limits = { partitions: 4, maxEntriesPerSender: 10, longestLifetimeSeconds: 100, clockSkewSeconds: 7 };
    await storeOn(redis, limits).store.insert(entry('a', 60));
    expect(redis.calls[0]?.args.slice(0, 4)).toEqual(['67000', '3', '107000', 'refuse']);
  });

  it('asks whether the server evicts at first, again after a minute, and until it has an answer', async () => {
    const redis = new ScriptedRedis('server_evicts', 'fresh');
    const { store, time } = storeOn(redis);
    expect(await rejectionOf(store.insert(entry()))).toBe('server_evicts');
    await store.insert(entry('b'));
    await store.insert(entry('c'));
    time.now += 60_000;
    await store.insert(entry('d', 120));
    time.now -= 100_000;
    await store.insert(entry('e', -30));
    expect(redis.calls.map(({ args }) => args.at(-1))).toEqual(['1', '1', '0', '1', '1']);
  });
});

describe('a server that cannot answer', () => {
  it.each<[string, unknown]>([
    ['store_failed', new Error('connect ECONNREFUSED')],
    ['store_failed', new Error('READONLY You can not write against a read only replica.')],
    ['store_failed', new Error('TRYAGAIN Multiple keys request during rehashing of slot')],
    ['store_failed', 'not an error'],
    ['server_changed', 'server_changed 5000'],
    ['server_evicts', 'server_evicts'],
    ['server_unknown', 'server_unknown'],
    ['bad_answer', 'OK'],
    ['bad_answer', 1],
    ['bad_answer', null],
    ['bad_answer', ['fresh']],
    ['bad_answer', 'fresh '],
  ])('threat 18: is %s and never fresh (%o)', async (code, answer) => {
    const redis = new ScriptedRedis(answer);
    if (answer === 'not an error') redis.evalSha = () => Promise.reject(answer);
    const { store } = storeOn(redis);
    await expect(store.insert(entry())).rejects.toBeInstanceOf(ReplayError);
    expect(await rejectionOf(store.insert(entry()))).toBe(code);
  });

  it('threat 18: is full where its memory is', async () => {
    const { store } = storeOn(new ScriptedRedis(new Error("OOM command not allowed when used memory > 'maxmemory'.")));
    expect(await store.insert(entry())).toBe('full');
  });

  it('threat 18: refuses the proof', async () => {
    const replayOn = (answer: unknown) => ({ replay: storeOn(new ScriptedRedis(answer)).store });
    expect(await outcome(wpt(), replayOn('fresh'))).toBe('accepted');
    expect(await outcome(wpt(), replayOn(new Error('connect ECONNREFUSED')))).toBe('replay_store_failed');
    expect(await outcome(wpt(), replayOn('server_changed 5000'))).toBe('replay_store_failed');
    expect(await outcome(wpt(), replayOn(new Error('OOM command not allowed')))).toBe('replay_store_full');
  });

  it('threat 18: is not waited for beyond the time limit or the signal', async () => {
    const { store } = storeOn(new ScriptedRedis(new Promise(() => undefined)), { timeoutMs: 5 });
    expect(await rejectionOf(store.insert(entry()))).toBe('store_timeout');
    const patient = storeOn(new ScriptedRedis(new Promise(() => undefined))).store;
    const controller = new AbortController();
    const insert = patient.insert(entry(), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(insert).rejects.toThrow('enough');
  });

  it('an aborted insert asks nothing, and a late failure after one that was given up harms nobody', async () => {
    const redis = new ScriptedRedis('fresh');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(storeOn(redis).store.insert(entry(), { signal })).rejects.toThrow('enough');
    expect(redis.calls).toEqual([]);
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise((_, reject) => {
      fail = reject;
    });
    const { store } = storeOn(new ScriptedRedis(late), { timeoutMs: 5 });
    expect(await rejectionOf(store.insert(entry()))).toBe('store_timeout');
    fail(new Error('closed'));
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('threat 17: is bridged in this process where that was asked for, for outages and nothing else', async () => {
    const answers = ['fresh', new Error('down'), 'server_changed 5000', 'sender_full', 'replayed'];
    const { store } = storeOn(new ScriptedRedis(...answers), { onOutage: 'this_process' });
    expect(await store.insert(entry('a'))).toBe('fresh');
    expect(await store.insert(entry('b'))).toBe('fresh');
    expect(await store.insert(entry('a'))).toBe('replayed');
    expect(await store.insert(entry('b'))).toBe('replayed');
    expect(await rejectionOf(store.insert(entry('c')))).toBe('server_changed');
    expect(await store.insert(entry('d'))).toBe('sender_full');
    expect(await store.insert(entry('e'))).toBe('replayed');
  });
});

describe('an entry', () => {
  it('threat 18: that has expired, or must be kept longer than the store is made for, is an error and not fresh', async () => {
    const redis = new ScriptedRedis('fresh');
    const { store } = storeOn(redis, { longestLifetimeSeconds: 100 });
    expect(await rejectionOf(store.insert(entry('a', 0)))).toBe('expired_entry');
    expect(await rejectionOf(store.insert(entry('a', 100.001)))).toBe('expiry_too_far');
    expect(redis.calls).toEqual([]);
    expect(await store.insert(entry('a', 100))).toBe('fresh');
    const broken = createRedisReplayStore({ client: redis, clock: () => Number.NaN });
    expect(await rejectionOf(broken.insert(entry()))).toBe('expired_entry');
  });
});

describe('misuse', () => {
  it.each<object>([
    { client: undefined },
    { client: { eval: () => undefined } },
    { keyPrefix: '' },
    { keyPrefix: 'a{b' },
    { partitions: 0 },
    { maxEntriesPerSender: 1.5 },
    { longestLifetimeSeconds: 0 },
    { longestLifetimeSeconds: 7201 },
    { clockSkewSeconds: -1 },
    { timeoutMs: Number.POSITIVE_INFINITY },
    { afterServerChange: 'ignore' },
    { onOutage: 'accept' },
  ])('threat 33: createRedisReplayStore with %o is a TypeError', (wrong) => {
    expect(() => createRedisReplayStore({ client: new ScriptedRedis('fresh'), ...wrong })).toThrow(TypeError);
  });

  it('is a TypeError for entries without a key, a sender or an end', async () => {
    const { store } = storeOn(new ScriptedRedis('fresh'));
    for (const wrong of [{ key: '' }, { key: 1 }, { sender: '' }, { sender: undefined }, { expiresAt: Number.NaN }]) {
      await expect(store.insert({ ...entry(), ...wrong } as unknown as ReplayEntry)).rejects.toThrow(TypeError);
    }
  });
});

describe('the end of the waiting', () => {
  it('is told to every partition', async () => {
    const redis = new ScriptedRedis('ended');
    await storeOn(redis, { partitions: 3 }).store.endWaiting();
    expect(redis.calls.map(({ keys }) => keys)).toEqual([
      ['{svidkit:replay:0}'],
      ['{svidkit:replay:1}'],
      ['{svidkit:replay:2}'],
    ]);
    const unknown = storeOn(new ScriptedRedis('server_unknown')).store;
    expect(await rejectionOf(unknown.endWaiting())).toBe('server_unknown');
  });
});
