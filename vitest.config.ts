import { defineConfig } from 'vitest/config'
import { nameSkipped } from './test/support/name-skipped.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Most of their time tests wait for processes that they started.
    maxWorkers: '100%',
    reporters: ['default', nameSkipped],
    // Scenarios run twice: on one process with all roles, and on the processes of a cluster. Some need several.
    projects: [
      {
        extends: true,
        test: {
          name: 'one process',
          include: ['test/**/*.test.ts'],
          exclude: ['test/scenarios/cluster/**'],
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/scenarios/**/*.test.ts'],
          env: { PABAL_TEST_MODE: 'cluster' },
        },
      },
    ],
  },
})
