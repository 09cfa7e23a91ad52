import { defineConfig } from 'vitest/config';
import { ROTATION_SECONDS } from './test/rotation/support/rotation-seconds.js';
import everyday from './vitest.config.js';

// SVIDs that live half a minute on a real SPIRE, with every client under load; prints a table in the end.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/rotation/**/*.test.ts'],
    globalSetup: [
      'test/spire/support/require-tools.ts',
      'test/rotation/support/rotation-table.ts',
      'test/support/stalled-run.ts',
    ],
    testTimeout: (ROTATION_SECONDS + 60) * 1_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    // One after the other, so that two cores bear the rate.
    fileParallelism: false,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
