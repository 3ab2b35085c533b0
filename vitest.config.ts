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
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
