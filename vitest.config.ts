import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = fileURLToPath(new URL('./src', import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^svidkit$/, replacement: `${src}/index.ts` },
      { find: /^svidkit\/(.+)$/, replacement: `${src}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/interop/**',
      'test/proxy/**',
      'test/redis/**',
      'test/rotation/**',
      'test/spire/**',
      'test/tls-matrix/**',
      'test/tls-peers/**',
      'node_modules/**',
    ],
    globalSetup: ['test/support/stalled-run.ts'],
    testTimeout: 15_000,
    // vitest would leave one core idle, which on two cores is half of the machine.
    maxWorkers: '100%',
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
