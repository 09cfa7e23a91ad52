export {
  createMemoryReplayStore,
  type MemoryReplayStore,
  type MemoryReplayStoreOptions,
} from './memory-replay-store.js';
export type { ReplayEntry, ReplayInsertOptions, ReplayStore, ReplayVerdict } from './replay-store.js';
