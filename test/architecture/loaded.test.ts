// Which packages a process loads when it starts. Types are erased: only imports of values are followed.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { expect, it } from 'vitest';

import { ROOT, textOf } from './tree.ts';

const IMPORT = /^(?:import|export) (?!type\b)[^;]*?from '([^']+)';|^import '([^']+)';/gm;

/** Everything that is loaded with a file: our files, and packages by their name. */
function loadedWith(path: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  for (const [, from, alone] of textOf(path).matchAll(IMPORT)) {
    const name = from ?? alone ?? '';
    if (name.startsWith('.')) loadedWith(join(dirname(path), name), loaded);
    else loaded.add(name);
  }
  return loaded;
}

it.each(['appliance/tap/main.ts', 'appliance/led/main.ts', 'appliance/cli/commands/analyze.ts'])(
  'no schema of the local API is loaded with %s',
  (main) => {
    expect(existsSync(join(ROOT, main))).toBe(true);
    const loaded = [...loadedWith(main)];
    expect(loaded.length).toBeGreaterThan(10);
    expect(loaded.filter((path) => path.startsWith('src/api/')).sort()).not.toContain('src/api/schema.ts');
  },
);

it('a tap loads no schema library at all', () => {
  expect(
    [...loadedWith('appliance/tap/main.ts')].filter((name) => name === 'zod' || name === 'yaml'),
  ).toEqual([]);
});

it('the page loads the contract and its client', () => {
  expect([...loadedWith('web/main.ts')]).toEqual(expect.arrayContaining(['src/api/client.ts', 'zod']));
});
