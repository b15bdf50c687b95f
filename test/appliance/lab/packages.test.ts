// The lab's packages are those that a fresh machine is given.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { LAB_PACKAGES } from '../../../appliance/lab/packages.ts';
import { TOP } from '../../../appliance/os/top-level.ts';

interface Groups {
  readonly run: { readonly packages: readonly string[] };
  readonly lab: { readonly packages: readonly string[] };
}

it('names the packages of provision, no more and no fewer', () => {
  const text = readFileSync(join(TOP, 'appliance', 'provision', 'packages.json'), 'utf8');
  const { lab, run } = JSON.parse(text) as Groups;
  const named = new Set(Object.values(LAB_PACKAGES));
  expect(lab.packages.filter((name) => !named.has(name))).toEqual([]);
  expect([...named].filter((name) => ![...lab.packages, ...run.packages].includes(name))).toEqual([]);
});
