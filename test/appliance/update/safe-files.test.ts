// Which places root believes, and how a file is taken out of a folder that somebody else controls.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { UpdateError } from '../../../appliance/update/bundle.ts';
import { keysIn } from '../../../appliance/update/keys.ts';
import { takeFile } from '../../../appliance/update/safe-files.ts';
import { Slots, publishedIn } from '../../../appliance/update/slots.ts';
import { KEYS, ownFolder, refusal } from './fixture.ts';

const NEW = Buffer.from('what was sent');

const folder = ownFolder('safe-files-');

describe('what root believes', () => {
  const key = (): string => join(folder(), 'a.pem');
  beforeEach(() => {
    writeFileSync(key(), KEYS[0] ?? '');
  });

  it('are keys in a place that root alone can change', () => {
    expect(keysIn(folder())).toEqual(KEYS);
    expect(keysIn(join(folder(), 'missing'))).toEqual([]);
  });

  it.each([
    ['a folder that others can write to', () => chmodSync(folder(), 0o777), ''],
    ['a folder that a group can write to', () => chmodSync(folder(), 0o770), ''],
    ['a key that others can write', () => chmodSync(key(), 0o646), ''],
    ['a link to a key', () => symlinkSync(key(), join(folder(), 'b.pem')), ''],
    ['a key that is a folder', () => mkdirSync(join(folder(), 'b.pem')), ''],
    ['a key that is a FIFO', () => execFileSync('mkfifo', [join(folder(), 'b.pem')]), ''],
    ['a key without an end', () => writeFileSync(join(folder(), 'b.pem'), Buffer.alloc(10_000)), ''],
    ['a folder that is a link', () => symlinkSync(folder(), `${folder()}/link`), 'link'],
    [
      'a folder below one that others can write to',
      () => {
        mkdirSync(join(folder(), 'open/keys'), { recursive: true });
        chmodSync(join(folder(), 'open'), 0o777);
      },
      'open/keys',
    ],
  ])('is not %s', (_, change, below) => {
    change();
    let said = '';
    try {
      keysIn(join(folder(), below));
    } catch (error) {
      said = error instanceof UpdateError ? error.code : ((error as NodeJS.ErrnoException).code ?? '');
    }
    expect(['unsafe-place', 'ELOOP']).toContain(said);
  });

  it('is no slot, and nothing told, in a place that others can write to', () => {
    const slots = new Slots(folder());
    slots.write({ stage: 'updated', version: '1.0', why: '' }, '1.0');
    chmodSync(join(folder(), 'status.json'), 0o666);
    expect(publishedIn(folder()).stage).toBe('none');
    chmodSync(folder(), 0o777);
    expect(refusal(() => new Slots(folder()))).toBe('unsafe-place');
  });
});

describe('what is taken out of the inbox', () => {
  const inbox = (): string => join(folder(), 'inbox');
  const sent = (): string => join(inbox(), 'sent');
  const take = () => takeFile(inbox(), 'sent', 1000);
  beforeEach(() => {
    mkdirSync(inbox());
  });

  it('is a file as it is at that moment, once', () => {
    expect(take()).toBeUndefined();
    writeFileSync(sent(), NEW);
    expect(take()).toEqual(NEW);
    expect(take()).toBeUndefined();
    rmSync(inbox(), { recursive: true });
    expect(take()).toBeUndefined();
  });

  it.each([
    ['a link', () => symlinkSync('/etc/passwd', sent())],
    ['a FIFO that nobody writes to', () => execFileSync('mkfifo', [sent()])],
    ['a folder', () => mkdirSync(sent())],
    ['a file that is too large', () => writeFileSync(sent(), Buffer.alloc(1001))],
    [
      'a file with a hole of a terabyte',
      () => {
        writeFileSync(sent(), '');
        truncateSync(sent(), 2 ** 40);
      },
    ],
    [
      'a device',
      () => (process.getuid?.() === 0 ? execFileSync('mknod', [sent(), 'c', '1', '5']) : mkdirSync(sent())),
    ],
  ])('is not %s, and that is gone as well', (_, put) => {
    put();
    expect(refusal(take)).toBe('not-an-update');
    expect(readdirSync(inbox())).toEqual([]);
  });

  it('is not what lies where a link leads that stands for the inbox', () => {
    const elsewhere = join(folder(), 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'sent'), NEW);
    rmSync(inbox(), { recursive: true });
    symlinkSync(elsewhere, inbox());
    expect(refusal(take)).toBe('not-an-update');
    expect(existsSync(join(elsewhere, 'sent'))).toBe(true);
  });
});
