import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Four kinds of tests, by what they need: `unit` needs nothing, `contract` needs a PostgreSQL (KERUTA_TEST_POSTGRES_URL)
 * a Dovecot (KERUTA_TEST_IMAP_URL, KERUTA_TEST_IMAP_DIR) and promtool (KERUTA_TEST_PROMTOOL), and runs what containers need where there is an engine
 * (KERUTA_TEST_DOCKER_HOST); `e2e` needs the built executable (dist/keruta) and, for some, the same servers, `faults` a
 * build that can be told where to die (dist/keruta-faults).
 */
export default defineConfig({
  test: {
    // a core for each, also where there are two: tests wait more than they work
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/faults/**', 'test/**/*.contract.test.ts'],
          // generous: what is slow where everything else is busy is no fault
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/**/*.contract.test.ts'],
          testTimeout: 60_000,
          // a database for each test is made in a hook
          hookTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          // a server and an agent are started in hooks
          hookTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: process.env.FAULTS === 'full' ? 1_800_000 : 120_000,
          // a place with ten thousand files takes its time to go
          hookTimeout: process.env.FAULTS === 'full' ? 300_000 : 60_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['cmd/**/*.ts', 'internal/**/*.ts', 'pkg/**/*.ts'],
      reporter: ['text-summary'],
    },
  },
});
