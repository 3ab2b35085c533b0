import { defineConfig } from 'vitest/config';

/** `kernel` needs root, namespaces and the built addon; `unit` needs nothing. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/{wire,capture,tcp,ftp,helper,rules,daemon,cli,bench,fuzz,package}/**/*.test.ts',
            'test/*.test.ts',
          ],
          exclude: ['test/**/*.kernel.test.ts'],
          // Whole command lines are run here, also on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'kernel',
          include: ['test/**/*.kernel.test.ts', 'test/{native,kernel,e2e}/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          // Deadlines only: nothing waits for them. Twice what a machine needs that runs two of these at once.
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
