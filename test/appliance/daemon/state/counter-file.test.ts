// Checks that the last reading of the kernel counters is given back whole or not at all, and when counting goes on from it. Holds
// counter-file.ts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  goesOn,
  readCounterFile,
  writeCounterFile,
} from '../../../../appliance/daemon/state/counter-file.ts';
import type { TableCounters } from '../../../../appliance/bridge/nftables.ts';

const top = mkdtempSync(join(tmpdir(), 'leakguard-counters-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const directory = (): string => mkdtempSync(join(top, 'box-'));

describe('counter file', () => {
  it('gives back what was written', () => {
    const dir = directory();
    const values = new Map([
      ['up_leak_dns', 3],
      ['leak_passed', 0],
    ]);
    writeCounterFile(dir, { handle: 7, values });
    expect(readCounterFile(dir)).toEqual({ handle: 7, values });
  });

  it.each([
    '',
    '{}',
    '[1]',
    '[["a",1]]',
    'null',
    '{"handle":1,"values":[["a","b"]]}',
    '{"values":[["a",1]]}',
  ])('reads nothing from %j', (content) => {
    const dir = directory();
    writeFileSync(join(dir, 'counters.json'), content);
    expect(readCounterFile(dir)).toBeUndefined();
  });

  const of = (handle: number, values: Readonly<Record<string, number>>): TableCounters => ({
    handle,
    values: new Map(Object.entries(values)),
  });
  it.each([
    ['the same', of(7, { up: 3, down: 1 }), true],
    ['more, and a counter that was not there', of(7, { up: 4, down: 1, other: 0 }), true],
    ['a counter less, as after a change of rules', of(7, { up: 3 }), true],
    ['another table, though it has counted more', of(8, { up: 9, down: 9 }), false],
    ['counters that were reset', of(7, { up: 0, down: 2 }), false],
  ])('after (7: up 3, down 1) comes %s', (_what, now, expected) => {
    expect(goesOn(of(7, { up: 3, down: 1 }), now)).toBe(expected);
  });
});
