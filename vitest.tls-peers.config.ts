import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// Mutual TLS with go-spiffe, nginx, HAProxy and OpenSSL at the other end, on a real SPIRE: needs all of them.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/tls-peers/**/*.test.ts'],
    globalSetup: [
      'test/spire/support/require-tools.ts',
      'test/tls-peers/support/require-peers.ts',
      'test/support/stalled-run.ts',
    ],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    maxWorkers: '100%',
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
