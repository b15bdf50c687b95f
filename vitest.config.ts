// Knows: which tests belong together, by path. Must not know: how they are run on a fresh machine (appliance/provision).

import { defineConfig } from 'vitest/config';

/** Tests that make namespaces, kernel rules or browsers: one file at a time. A slow machine is no fault. */
const onTheMachine = { fileParallelism: false, testTimeout: 600_000, hookTimeout: 300_000 };

const setupFiles = ['test/seeded.ts'];
/** Every other test is one of a unit, so that none is left out for the folder it lies in. */
const apart = ['property', 'corpus', 'netns', 'browser', 'box'].map((folder) => `test/${folder}/**`);

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
      { test: { name: 'netns', include: ['test/netns/**/*.test.ts'], ...onTheMachine, setupFiles } },
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
