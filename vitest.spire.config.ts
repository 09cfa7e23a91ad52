import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// Tests against a real SPIRE and against go-spiffe: they start servers, wait for rotations and need Go.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/spire/**/*.test.ts'],
    globalSetup: ['test/spire/support/require-tools.ts', 'test/support/stalled-run.ts'],
    // Each file has servers of its own and waits most of the time.
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
