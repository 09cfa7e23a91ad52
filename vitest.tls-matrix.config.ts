import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// Every TLS client against every TLS server, in TLS 1.2 and 1.3; prints a table in the end.
export default defineConfig({
  ...everyday,
  test: {
    include: ['test/tls-matrix/**/*.test.ts'],
    globalSetup: ['test/support/stalled-run.ts', 'test/tls-matrix/support/matrix.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: '100%',
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
