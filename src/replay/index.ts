export {
  createMemoryReplayStore,
  type MemoryReplayStore,
  type MemoryReplayStoreOptions,
} from './memory-replay-store.js';
export type { RedisReplayClient } from './redis-client.js';
export {
  createRedisReplayStore,
  type OutagePolicy,
  type RedisReplayStore,
  type RedisReplayStoreOptions,
  type ServerChangePolicy,
} from './redis-replay-store.js';
export type { ReplayEntry, ReplayInsertOptions, ReplayStore, ReplayVerdict } from './replay-store.js';
