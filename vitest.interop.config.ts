import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// The same inputs for svidkit and its peers in Go, Python and on npm, and what each signs verified by the other: needs
// Go, Python and, once, the network.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/interop/support/prepare-peers.ts', 'test/support/stalled-run.ts'],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
