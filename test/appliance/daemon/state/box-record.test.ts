// What is on disk, and what is said, when the disk takes the box's state and when it does not. A directory in the place of a file stands
// for a disk that refuses: it does so for root, too.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxRecord, readStoredMode, writeStoredMode } from '../../../../appliance/daemon/state/box-record.ts';

let top = '';
let said: string | undefined;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'leakguard-record-'));
  for (const name of ['state', 'run']) mkdirSync(join(top, name));
  said = undefined;
  putBack.length = 0;
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const refuse = (what: string): string => mkdirSync(join(top, `${what}.new`), { recursive: true }) ?? '';
const putBack: string[] = [];
/** As the daemon begins: what no file tells is asked of the kernel. */
const begin = (kernelBlocks = false): BoxRecord => {
  const record = new BoxRecord({
    ...{ stateDir: join(top, 'state'), runtimeDir: join(top, 'run') },
    fault: (text) => (said = text),
    putBack: (path) => putBack.push(path),
  });
  record.settleUnknown(kernelBlocks);
  return record;
};
const kept = (): boolean => readStoredMode(join(top, 'state')).blockMode;

const dir = (): string => join(top, 'state');

describe('the file of the state', () => {
  it('starts a new box in watch mode', () => {
    expect(readStoredMode(dir())).toEqual({ blockMode: false, missing: true });
  });

  it.each([true, false])('remembers block mode %s', (blockMode) => {
    writeStoredMode(dir(), blockMode);
    expect(readStoredMode(dir())).toEqual({ blockMode });
    expect(readdirSync(dir())).toEqual(['state.json']);
  });

  it.each([
    ['torn', '{"version":1,"blockM'],
    ['empty', ''],
    ['of another shape', '{"version":1,"blockMode":"off"}'],
    ['of another version', '{"version":2,"blockMode":false}'],
    ['garbage', '\u0000\u0000\u0000'],
  ])('is closed, with a warning, when the file is %s', (_case, content) => {
    writeFileSync(join(dir(), 'state.json'), content);
    const reading = readStoredMode(dir());
    expect(reading.blockMode).toBe(true);
    expect(reading.warning).toContain('state.json');
  });

  it('is closed when the file cannot be read', () => {
    mkdirSync(join(dir(), 'state.json'));
    expect(readStoredMode(dir())).toMatchObject({ blockMode: true });
  });

  it('keeps the old record when the new one was not finished', () => {
    writeStoredMode(dir(), true);
    writeFileSync(join(dir(), 'state.json.new'), '{"ver');
    expect(readStoredMode(dir()).blockMode).toBe(true);
    writeStoredMode(dir(), false);
    expect(JSON.parse(readFileSync(join(dir(), 'state.json'), 'utf8'))).toEqual({
      version: 1,
      blockMode: false,
    });
  });
});

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

describe('what was lost', () => {
  const [state, boot] = ['state.json', 'boot.nft'];
  const blocking = (): void => {
    const record = begin();
    record.setBlockMode(true);
    record.setBootRuleset('table one', true);
  };

  it.each([
    ['the rules of the next boot tell of it', [state], false, true],
    ['the kernel tells of it', [state, boot], true, true],
    ['nothing tells of it: a new box', [state, boot], false, false],
  ])('a missing state file, and %s', (_case, lost, kernelBlocks, closed) => {
    blocking();
    for (const file of lost) rmSync(join(top, 'state', file));
    const record = begin(kernelBlocks);
    expect([record.blockMode, kept()]).toEqual([closed, closed]);
    expect(record.warning === undefined).toBe(!closed);
  });

  it.each([
    ['the kernel blocks, too: closed', true, true],
    ['the kernel does not: a disk that refused them', false, false],
  ])(
    'a state that says off where the rules of the next boot block, and %s',
    (_case, kernelBlocks, closed) => {
      blocking();
      writeStoredMode(join(top, 'state'), false);
      const record = begin(kernelBlocks);
      expect([record.blockMode, kept()]).toEqual([closed, closed]);
      expect(record.warning?.includes('says that block mode was off') ?? false).toBe(closed);
      // What was decided stands from then on.
      record.setBlockMode(false);
      record.setBootRuleset('table one', false);
      expect([begin(true).blockMode, begin(true).warning]).toEqual([false, undefined]);
    },
  );

  it.each([0, 1, 2])(
    'ended at any moment of opening (%i) or closing it is what it was, or closed',
    (done) => {
      const opens = (record: BoxRecord): (() => void)[] => [
        () => record.setBootRuleset('table one', false),
        () => record.setBlockMode(false),
      ];
      const closes = (record: BoxRecord): (() => void)[] => [
        () => record.setBlockMode(true),
        () => record.setBootRuleset('table one', true),
      ];
      blocking();
      // The kernel is told before the rules of the next boot are written.
      for (const step of opens(begin(true)).slice(0, done)) step();
      expect(begin(false).blockMode).toBe(done < 2);
      begin().setBlockMode(false);
      for (const step of closes(begin(false)).slice(0, done)) step();
      expect(begin(done > 1).blockMode).toBe(done > 0);
    },
  );

  it('a box that was in watch mode stays there whatever the kernel drops while nothing is verified', () => {
    begin().setBootRuleset('table one');
    const record = begin(true);
    expect([record.blockMode, record.warning]).toEqual([false, undefined]);
  });

  it.each(['a FIFO', 'a directory', 'a device'])(
    '%s in its place is closed, and is not waited for',
    (what) => {
      blocking();
      const path = join(top, 'state', state);
      rmSync(path);
      if (what === 'a FIFO') execFileSync('mkfifo', [path]);
      else if (what === 'a directory') mkdirSync(path);
      else symlinkSync('/dev/zero', path);
      const record = begin();
      expect(record.blockMode).toBe(true);
      expect(record.warning).toContain(what);
    },
  );

  it('block mode is written and read back also when the disk is believed to hold it', () => {
    blocking();
    const record = begin();
    writeStoredMode(join(top, 'state'), false);
    record.setBlockMode(true);
    expect([kept(), said]).toEqual([true, undefined]);
  });

  it.each([state, boot])('%s that is removed, replaced or written is put back, and told', (file) => {
    const record = begin();
    record.setBlockMode(true);
    record.setBootRuleset('table one', true);
    const path = join(top, 'state', file);
    const whole = readFileSync(path, 'utf8');
    for (const harm of [() => rmSync(path), () => writeFileSync(path, '{}'), () => truncateSync(path)]) {
      harm();
      record.settle();
      expect(readFileSync(path, 'utf8')).toBe(whole);
    }
    rmSync(join(top, 'state'), { recursive: true });
    record.settle();
    expect(readFileSync(path, 'utf8')).toBe(whole);
    expect(putBack.filter((one) => one === path)).toHaveLength(4);
  });
});
