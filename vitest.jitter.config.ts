import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.js';

// The everyday tests on what behaves like a slow and busy machine: what fails there has not waited for what it relies on.
export default defineConfig({
  ...everyday,
  test: {
    ...everyday.test,
    setupFiles: ['test/support/jitter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
