// Knows: that block mode outlives a reboot and that a damaged record means closed. Holds box-state.ts, counter-file.ts.

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readBoxState, writeBoxState } from '../../../../appliance/daemon/state/box-state.ts';
import {
  goesOn,
  readCounterFile,
  writeCounterFile,
} from '../../../../appliance/daemon/state/counter-file.ts';
import type { TableCounters } from '../../../../appliance/bridge/nftables.ts';

const top = mkdtempSync(join(tmpdir(), 'leakguard-state-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const directory = (): string => mkdtempSync(join(top, 'box-'));

describe('box state', () => {
  it('starts a new box in watch mode', () => {
    expect(readBoxState(directory())).toEqual({ state: { blockMode: false }, missing: true });
  });

  it.each([true, false])('remembers block mode %s', (blockMode) => {
    const dir = directory();
    writeBoxState(dir, { blockMode });
    expect(readBoxState(dir)).toEqual({ state: { blockMode } });
    expect(readdirSync(dir)).toEqual(['state.json']);
  });

  it.each([
    ['torn', '{"version":1,"blockM'],
    ['empty', ''],
    ['of another shape', '{"version":1,"blockMode":"off"}'],
    ['of another version', '{"version":2,"blockMode":false}'],
    ['garbage', '\u0000\u0000\u0000'],
  ])('is closed, with a warning, when the file is %s', (_case, content) => {
    const dir = directory();
    writeFileSync(join(dir, 'state.json'), content);
    const reading = readBoxState(dir);
    expect(reading.state.blockMode).toBe(true);
    expect(reading.warning).toContain('state.json');
  });

  it('is closed when the file cannot be read', () => {
    const dir = directory();
    mkdirSync(join(dir, 'state.json'));
    expect(readBoxState(dir)).toMatchObject({ state: { blockMode: true } });
  });

  it('keeps the old record when the new one was not finished', () => {
    const dir = directory();
    writeBoxState(dir, { blockMode: true });
    writeFileSync(join(dir, 'state.json.new'), '{"ver');
    expect(readBoxState(dir).state.blockMode).toBe(true);
    writeBoxState(dir, { blockMode: false });
    expect(JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8'))).toEqual({
      version: 1,
      blockMode: false,
    });
  });
});

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
