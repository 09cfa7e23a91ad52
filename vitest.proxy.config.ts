import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// Requests through an nginx that ends TLS on both sides: needs nginx on the PATH.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/proxy/**/*.test.ts'],
    globalSetup: ['test/support/stalled-run.ts', 'test/proxy/support/require-nginx.ts'],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
