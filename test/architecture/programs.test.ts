// What the programs of the tests import must be there. They are JavaScript on what was built, where the compiler does not look: a name that
// is changed in the sources would break them, and be found when one of them is next used.

import { join } from 'node:path';

import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

import { ourFiles, ROOT } from './tree.ts';

it('the programs of the tests import what the build has', async () => {
  const programs = ourFiles().filter((path) => /^test\/.*\.mjs$/.test(path));
  const missing: string[] = [];
  const bundle = await rolldown({
    input: programs.map((path) => join(ROOT, path)),
    platform: 'node',
    external: (id) => !/^[./]/.test(id),
    shimMissingExports: true,
    onLog: (_level, { code, message }) => {
      if (/EXPORT|UNRESOLVED/.test(code ?? '')) missing.push(message);
    },
  });
  await bundle.generate({ format: 'esm' });
  await bundle.close();
  expect(programs.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});
