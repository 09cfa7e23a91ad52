import { createRedisReplayStore, type RedisReplayStoreOptions, type ReplayEntry } from 'svidkit/replay';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../spire/support/wait-for.js';
import { freePort } from '../support/free-port.js';
import { rejectionOf } from '../support/rejections.js';
import { connectCluster, connectRedis } from './support/clients.js';
import { type Persistence, RedisServer } from './support/redis-server.js';

type Changes = Omit<RedisReplayStoreOptions, 'client'>;

function entry(key: string, seconds = 60, sender = 'spiffe://example.org/a'): ReplayEntry {
  return { key, sender, expiresAt: Date.now() + seconds * 1000 };
}

async function outcomeOf(store: { insert(entry: ReplayEntry): Promise<string> }, item: ReplayEntry): Promise<string> {
  let verdict = '';
  const code = await rejectionOf(
    store.insert(item).then((answer) => {
      verdict = answer;
    }),
  );
  return code === 'accepted' ? verdict : code;
}

async function storeOn(server: RedisServer, changes: Changes = {}) {
  const open = await connectRedis(server.url);
  const store = createRedisReplayStore({ client: open.client, timeoutMs: 30_000, ...changes });
  return { store, [Symbol.asyncDispose]: open[Symbol.asyncDispose] };
}

describe('the replay store on a real server', () => {
  it('threat 17: admits a key once, whoever asks', async () => {
    const server = await RedisServer.start();
    await using one = await storeOn(server);
    await using two = await storeOn(server);
    await one.store.endWaiting();
    expect(await one.store.insert(entry('a'))).toBe('fresh');
    expect(await two.store.insert(entry('a'))).toBe('replayed');
    expect(await two.store.insert(entry('a', 60, 'spiffe://example.org/b'))).toBe('replayed');
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? one : two).store.insert(entry('b'))),
    );
    expect(verdicts.filter((verdict) => verdict === 'fresh')).toHaveLength(1);
  });

  it('threat 18: every entry and count has an end, later than the entry by the skew of clocks', async () => {
    const server = await RedisServer.start();
    await using open = await storeOn(server, { clockSkewSeconds: 30 });
    await open.store.endWaiting();
    await open.store.insert(entry('a', 60));
    const keys = (await server.command('KEYS', '*')) as string[];
    const ends = await Promise.all(
      keys.map(async (key) => [key, Number(await server.command('PTTL', key)) / 1000] as const),
    );
    const endOf = (part: string): number | undefined => ends.find(([key]) => key.includes(part))?.[1];
    expect(keys).toHaveLength(3);
    expect(endOf(':entry:')).toBeGreaterThan(80);
    expect(endOf(':entry:')).toBeLessThanOrEqual(90);
    expect(endOf(':sender:')).toBeGreaterThan(90);
    expect(endOf(':sender:')).toBeLessThan(110);
  });

  it('threat 18: one sender cannot take the place of the others, and gets its own back when entries end', async () => {
    const server = await RedisServer.start();
    const limits = { maxEntriesPerSender: 3, longestLifetimeSeconds: 60, clockSkewSeconds: 0 };
    await using open = await storeOn(server, limits);
    const { store } = open;
    await store.endWaiting();
    for (const key of ['a1', 'a2']) expect(await store.insert(entry(key, 5))).toBe('fresh');
    expect(await store.insert(entry('a3', 60))).toBe('fresh');
    expect(await store.insert(entry('a4', 60))).toBe('sender_full');
    expect(await store.insert(entry('a1', 5))).toBe('replayed');
    expect(await store.insert(entry('b1', 60, 'spiffe://example.org/b'))).toBe('fresh');
    // The first two do not end in the same millisecond.
    for (const key of ['a4', 'a5']) {
      await waitFor(`room for ${key}`, async () => (await store.insert(entry(key, 50))) === 'fresh');
    }
    expect(await store.insert(entry('a6', 50))).toBe('sender_full');
    expect(await store.insert(entry('a3', 50))).toBe('replayed');
  });

  it('threat 18: answers full when the memory of the server is, and forgets nothing', async () => {
    const server = await RedisServer.start({ settings: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'] });
    await using open = await storeOn(server);
    const { store } = open;
    await store.endWaiting();
    let stored = 0;
    while ((await outcomeOf(store, entry(`k${stored}`))) === 'fresh') stored += 1;
    expect(await store.insert(entry('another'))).toBe('full');
    expect(stored).toBeGreaterThan(100);
    for (const key of ['k0', `k${stored - 1}`]) expect(await store.insert(entry(key))).toBe('replayed');
  });

  it('threat 18: refuses a server that evicts', async () => {
    const server = await RedisServer.start({
      settings: ['--maxmemory', '100mb', '--maxmemory-policy', 'volatile-ttl'],
    });
    await using open = await storeOn(server);
    await open.store.endWaiting();
    expect(await outcomeOf(open.store, entry('a'))).toBe('server_evicts');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    expect(await outcomeOf(open.store, entry('a'))).toBe('server_changed');
    await open.store.endWaiting();
    expect(await outcomeOf(open.store, entry('a'))).toBe('fresh');
  });

  it('works again after the server has forgotten its scripts', async () => {
    const server = await RedisServer.start();
    await using open = await storeOn(server);
    await open.store.endWaiting();
    await open.store.insert(entry('a'));
    await server.command('SCRIPT', 'FLUSH');
    expect(await open.store.insert(entry('b'))).toBe('fresh');
    expect(await open.store.insert(entry('b'))).toBe('replayed');
  });
});

describe('a server that may have forgotten proofs', () => {
  it.each<[string, Persistence, Changes['afterServerChange'], string[]]>([
    ['without persistence, by default', 'none', undefined, ['server_changed', 'server_changed']],
    ['without persistence, persistence trusted', 'none', 'trust_persistence', ['server_changed', 'server_changed']],
    ['with appendfsync everysec, by default', 'everysec', 'refuse', ['replayed', 'server_changed']],
    ['with appendfsync always, by default', 'always', 'refuse', ['replayed', 'server_changed']],
    ['with appendfsync always, persistence trusted', 'always', 'trust_persistence', ['replayed', 'fresh']],
    ['without persistence, told to go on', 'none', 'accept', ['fresh', 'fresh']],
  ])('threat 17: after a restart %s', async (_, persistence, afterServerChange, expected) => {
    const server = await RedisServer.start({ persistence });
    const changes = { afterServerChange, timeoutMs: 5000 };
    await using open = await storeOn(server, changes);
    await open.store.endWaiting();
    expect(await open.store.insert(entry('used'))).toBe('fresh');
    // So that `everysec` has written it, which it need not have.
    await new Promise((resolve) => setTimeout(resolve, persistence === 'everysec' ? 2500 : 0));
    await server.restart();
    await using again = await storeOn(server, changes);
    expect([await outcomeOf(again.store, entry('used')), await outcomeOf(again.store, entry('new'))]).toEqual(expected);
  });

  it('threat 17: on the first day, and after FLUSHALL', async () => {
    const server = await RedisServer.start();
    await using open = await storeOn(server);
    expect(await outcomeOf(open.store, entry('a'))).toBe('server_changed');
    await open.store.endWaiting();
    expect(await outcomeOf(open.store, entry('a'))).toBe('fresh');
    await server.command('FLUSHALL');
    expect(await outcomeOf(open.store, entry('a'))).toBe('server_changed');
  });

  it('threat 17: refuses until the longest lifetime has passed and not longer, also with a second process', async () => {
    const server = await RedisServer.start();
    const limits = { longestLifetimeSeconds: 2, clockSkewSeconds: 1 };
    await using one = await storeOn(server, limits);
    await using two = await storeOn(server, limits);
    const started = Date.now();
    expect(await outcomeOf(one.store, entry('a', 2))).toBe('server_changed');
    await waitFor(
      'the end of the waiting',
      async () => (await outcomeOf(two.store, entry('b', 2))) !== 'server_changed',
    );
    expect(Date.now() - started).toBeGreaterThanOrEqual(2900);
    expect(await outcomeOf(one.store, entry('c', 2))).toBe('fresh');
  });

  it('threat 17: a replica that was promoted', async () => {
    const primary = await RedisServer.start();
    const replica = await RedisServer.start({ settings: ['--replicaof', '127.0.0.1', `${primary.port}`] });
    await using before = await storeOn(primary);
    await before.store.endWaiting();
    expect(await before.store.insert(entry('used'))).toBe('fresh');
    await primary.command('WAIT', '1', '5000');
    await waitFor('the replica', async () => (await replica.command('DBSIZE')) === 3);
    await using after = await storeOn(replica);
    expect(await outcomeOf(after.store, entry('new'))).toBe('store_failed');
    await primary.kill();
    await replica.command('REPLICAOF', 'NO', 'ONE');
    expect(await outcomeOf(after.store, entry('used'))).toBe('replayed');
    expect(await outcomeOf(after.store, entry('new'))).toBe('server_changed');
  });

  it('threat 17: an outage refuses, or is bridged by this process if told so', async () => {
    const server = await RedisServer.start();
    await using strict = await storeOn(server, { timeoutMs: 5000 });
    await using lenient = await storeOn(server, { timeoutMs: 5000, onOutage: 'this_process' });
    await strict.store.endWaiting();
    expect(await outcomeOf(lenient.store, entry('before'))).toBe('fresh');
    await server.kill();
    expect(['store_failed', 'store_timeout']).toContain(await outcomeOf(strict.store, entry('a')));
    expect(await outcomeOf(lenient.store, entry('before'))).toBe('replayed');
    expect(await outcomeOf(lenient.store, entry('a'))).toBe('fresh');
    expect(await outcomeOf(lenient.store, entry('a'))).toBe('replayed');
  });
});

describe('a cluster', () => {
  it('threat 17: admits each of 3,000 proofs once, spread over three servers', async () => {
    const nodes = await Promise.all([0, 1, 2].map(() => startNode()));
    const servers = nodes.map(({ server }) => server);
    await joinCluster(nodes);
    await using open = await connectCluster(servers.map(({ port }) => port));
    const store = createRedisReplayStore({ client: open.client, partitions: 12, timeoutMs: 60_000 });
    await waitFor('the cluster', async () => {
      await store.endWaiting();
      return true;
    });
    const keys = Array.from({ length: 3000 }, (_, index) => `proof-${index}`);
    const verdicts = await Promise.all([...keys, ...keys].map((key) => store.insert(entry(key))));
    expect(verdicts.filter((verdict) => verdict === 'fresh')).toHaveLength(3000);
    expect(verdicts.filter((verdict) => verdict === 'replayed')).toHaveLength(3000);
    const sizes = await Promise.all(servers.map(async (server) => Number(await server.command('DBSIZE'))));
    for (const size of sizes) expect(size).toBeGreaterThan(100);
  });
});

interface ClusterNode {
  readonly server: RedisServer;
  readonly busPort: number;
}

async function startNode(): Promise<ClusterNode> {
  const busPort = await freePort();
  const settings = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`];
  return { server: await RedisServer.start({ settings }), busPort };
}

/** Deals the slots out and introduces the servers to each other. */
async function joinCluster(nodes: readonly ClusterNode[]): Promise<void> {
  const share = Math.ceil(16_384 / nodes.length);
  for (const [index, { server }] of nodes.entries()) {
    const last = Math.min(16_383, (index + 1) * share - 1);
    await server.command('CLUSTER', 'ADDSLOTSRANGE', `${index * share}`, `${last}`);
  }
  const [first, ...others] = nodes;
  for (const { server, busPort } of others) {
    await first?.server.command('CLUSTER', 'MEET', '127.0.0.1', `${server.port}`, `${busPort}`);
  }
  for (const { server } of nodes) {
    await waitFor('a cluster that is whole', async () =>
      String(await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    );
  }
}
