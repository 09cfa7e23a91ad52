import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// The same inputs for svidkit, go-spiffe and the Python package spiffe: needs Go, Python and, once, the network.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/interop/support/prepare-peers.ts'],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
