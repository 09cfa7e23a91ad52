import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// The replay store on a real Redis or Valkey: starts and kills servers, and runs several processes against them.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/redis/**/*.test.ts'],
    globalSetup: ['test/support/stalled-run.ts', 'test/redis/support/require-redis.ts'],
    fileParallelism: false,
    // 100,000 proofs take a minute or two on two cores, and a quarter of an hour on a machine with much else to do.
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
