// Checks that page and README tell of profiles what was measured. Holds web/pages/help/profile-rows.ts and README.md to
// web/pages/help/profile-table.ts, which test/netns/profile-table.test.ts holds to the wire.

import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { PROFILE_HEADS } from '../../../../web/pages/help/help-texts.ts';
import { PROFILE_ROWS } from '../../../../web/pages/help/profile-rows.ts';
import { MEASURED } from '../../../../web/pages/help/profile-table.ts';
import { cellsOf, MEASURED_PROFILES, README, TABLE, tableOf } from '../../readme-table.ts';

it('README has the table', async () => {
  const [found = ''] = TABLE.exec(await readFile(README, 'utf8')) ?? [];
  const [heads, , ...rows] = cellsOf(found);
  expect(heads).toBe(cellsOf(tableOf([]))[0]);
  expect(rows).toEqual(MEASURED);
});

it('every row has a cell for each profile and mode', () => {
  expect(PROFILE_HEADS).toHaveLength(MEASURED_PROFILES.length);
  for (const line of MEASURED) expect(line.split(' | ')).toHaveLength(1 + 2 * MEASURED_PROFILES.length);
  expect(MEASURED.length).toBeGreaterThanOrEqual(40);
});

it.each([
  ['looks up a name (UDP)', ['Leak (A), stopped', 'Leak (A), stopped', 'Leak (A), stopped', 'Allowed']],
  [
    'DNS over HTTPS to a known provider',
    ['Leak (C, E), stopped', 'Leak (C, E), stopped', 'Leak (C), not stopped', 'Leak (C, E), stopped'],
  ],
  [
    'visits a protected site at an address it already knows',
    ['Leak (E), stopped', 'Leak (E), stopped', 'Allowed', 'Leak (B, E), stopped'],
  ],
])('%s is said in words', (action, cells) => {
  expect(PROFILE_ROWS.find((row) => row.action === action)?.cells).toEqual(cells);
});
