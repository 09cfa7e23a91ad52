import { createClient, createCluster } from 'redis';
import type { RedisReplayClient } from 'svidkit/replay';

/** Longer than the time limit of any store: that one is to be seen, not the 5 s of the client. */
const commandOptions = { timeout: 90_000 };

export interface OpenClient extends AsyncDisposable {
  readonly client: RedisReplayClient;
}

/** A connected client, without a queue for the time when the server is away. */
export async function connectRedis(url: string): Promise<OpenClient> {
  const redis = createClient({
    url,
    disableOfflineQueue: true,
    commandOptions,
    socket: { reconnectStrategy: () => 20 },
  });
  redis.on('error', () => undefined);
  await redis.connect();
  return {
    client: {
      eval: (script, keys, args) => redis.eval(script, { keys, arguments: args }),
      evalSha: (sha1, keys, args) => redis.evalSha(sha1, { keys, arguments: args }),
    },
    [Symbol.asyncDispose]: async () => redis.destroy(),
  };
}

export async function connectCluster(ports: readonly number[]): Promise<OpenClient> {
  const rootNodes = ports.map((port) => ({ url: `redis://127.0.0.1:${port}` }));
  const redis = createCluster({ rootNodes, commandOptions });
  redis.on('error', () => undefined);
  await redis.connect();
  return {
    client: {
      eval: (script, keys, args) => redis.eval(script, { keys, arguments: args }),
      evalSha: (sha1, keys, args) => redis.evalSha(sha1, { keys, arguments: args }),
    },
    [Symbol.asyncDispose]: async () => redis.destroy(),
  };
}
