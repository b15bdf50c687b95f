// Groups the tests into projects by path. appliance/provision runs them.

import { defineConfig } from 'vitest/config';

/** For tests that create namespaces or kernel rules or start browsers: one file at a time, and long timeouts for slow machines. */
const onTheMachine = { fileParallelism: false, testTimeout: 600_000, hookTimeout: 300_000 };

const setupFiles = ['test/seeded.ts'];
/** Every test outside these folders is a unit test, so that no folder can be forgotten. */
const apart = ['property', 'corpus', 'netns', 'proof', 'browser', 'box'].map((folder) => `test/${folder}/**`);

export default defineConfig({
  test: {
    passWithNoTests: false,
    coverage: { provider: 'v8', include: ['src/**/*.ts', 'appliance/**/*.ts', 'web/**/*.ts'] },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: apart,
          testTimeout: 20_000,
          setupFiles,
        },
      },
      {
        test: { name: 'property', include: ['test/property/**/*.test.ts'], testTimeout: 120_000, setupFiles },
      },
      { test: { name: 'corpus', include: ['test/corpus/**/*.test.ts'], testTimeout: 120_000, setupFiles } },
      {
        test: {
          name: 'netns',
          include: ['test/netns/**/*.test.ts', 'test/proof/**/*.test.ts'],
          ...onTheMachine,
          setupFiles,
        },
      },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], ...onTheMachine, setupFiles } },
      // Virtual machines: `npm run test:box`, not part of `npm test`.
      {
        test: {
          name: 'box',
          include: ['test/box/**/*.test.ts'],
          ...onTheMachine,
          testTimeout: 3_600_000,
          hookTimeout: 1_200_000,
        },
      },
    ],
  },
});
