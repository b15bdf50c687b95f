// Knows: what is on disk, and what is said, when the disk takes the box's state and when it does not. A directory in the place of
// a file stands for a disk that refuses: it does so for root, too.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxRecord } from '../../../appliance/daemon/box-record.ts';
import { readBoxState } from '../../../appliance/daemon/box-state.ts';

let top = '';
let said: string | undefined;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'leakguard-record-'));
  for (const name of ['state', 'run']) mkdirSync(join(top, name));
  said = undefined;
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const refuse = (what: string): string => mkdirSync(join(top, `${what}.new`), { recursive: true }) ?? '';
const begin = (): BoxRecord =>
  new BoxRecord({
    ...{ stateDir: join(top, 'state'), runtimeDir: join(top, 'run') },
    fault: (text) => (said = text),
  });
const kept = (): boolean => readBoxState(join(top, 'state')).state.blockMode;

describe('what must outlive a reboot', () => {
  it('is on disk when it was told, and nothing is said', () => {
    const record = begin();
    expect([record.blockMode, record.warning]).toEqual([false, undefined]);
    record.setBlockMode(true);
    record.setBootRuleset('table one');
    expect([kept(), said, begin().blockMode]).toEqual([true, undefined, true]);
    expect(readFileSync(join(top, 'state', 'boot.nft'), 'utf8')).toBe('table one');
  });

  it('closing that the disk refuses outlives the process, is said, and is written as soon as the disk takes it', () => {
    const record = begin();
    const obstacle = refuse('state/state.json');
    record.setBlockMode(true);
    expect(said).toContain('block mode is on, but after a power cut it may be off');
    expect([kept(), begin().blockMode]).toEqual([false, true]);
    rmdirSync(obstacle);
    record.settle();
    expect([kept(), said, existsSync(join(top, 'run', 'state.json'))]).toEqual([true, undefined, false]);
  });

  it('opening that the disk refuses is closed again at the next start', () => {
    begin().setBlockMode(true);
    const record = begin();
    refuse('state/state.json');
    record.setBlockMode(false);
    expect(said).toContain('block mode is off, but after a restart it is on again');
    expect(begin().blockMode).toBe(true);
  });

  it('closing that the disk refused, and opening again, leaves nothing to be said', () => {
    const record = begin();
    refuse('state/state.json');
    record.setBlockMode(true);
    record.setBlockMode(false);
    expect([said, begin().blockMode]).toEqual([undefined, false]);
  });

  it('older rules of the next boot are said', () => {
    const record = begin();
    refuse('state/boot.nft');
    record.setBootRuleset('table two');
    expect(said).toContain('it would boot with older rules');
  });
});
