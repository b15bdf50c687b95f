// Checks that an LED's file is its own again whatever another hand puts in its place.

import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLed } from '../../../appliance/led/file-led.ts';
import { Light } from '../../../appliance/led/light.ts';

let top = '';
let path = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'leakguard-lamp-'));
  path = join(top, 'lamp');
  writeFileSync(join(top, 'other'), 'green\n');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const HARMS: readonly (readonly [string, () => unknown])[] = [
  ['nothing', () => undefined],
  ['an empty folder', () => mkdirSync(path)],
  [
    'a folder that holds something',
    () => {
      mkdirSync(path);
      writeFileSync(join(path, 'letter'), 'x');
    },
  ],
  ['a link to nothing', () => symlinkSync('nowhere', path)],
  ['a link to itself', () => symlinkSync('lamp', path)],
  ['a link to a folder', () => symlinkSync('.', path)],
  ['a link to a file that says the same', () => symlinkSync('other', path)],
  ['a link to a device', () => symlinkSync('/dev/zero', path)],
  ['a FIFO', () => execFileSync('mkfifo', [path])],
  ['another text', () => writeFileSync(path, 'a letter to somebody')],
  ['a large file', () => writeFileSync(path, 'x'.repeat(100_000))],
];

describe('in the place of an LED that was shown', () => {
  it.each(HARMS)('%s does not hold, and the next word is a file again', (_, harm) => {
    const light = new Light(top);
    light.take({ driver: 'file', path });
    light.show('green');
    for (let time = 0; time < 3; time += 1) {
      rmSync(path);
      harm();
      light.show('green');
      expect(light.fault).toBeUndefined();
      expect([lstatSync(path).isFile(), readFileSync(path, 'utf8')]).toEqual([true, 'green\n']);
    }
    expect(readFileSync(join(top, 'other'), 'utf8')).toBe('green\n');
  });

  it('a folder keeps what it holds, and one again and again is said', () => {
    const light = new Light(top);
    light.take({ driver: 'file', path });
    light.show('green');
    for (let time = 0; time < 9; time += 1) {
      rmSync(path, { recursive: true });
      mkdirSync(path);
      writeFileSync(join(path, 'letter'), String(time));
      light.show('green');
    }
    expect(light.fault).toContain('again and again');
    const letters = readdirSync(top).filter((name) => name.startsWith('lamp.aside-'));
    expect(letters.map((name) => readFileSync(join(top, name, 'letter'), 'utf8')).sort()).toEqual(
      [...Array(8).keys()].map(String),
    );
  });
});

it.each(HARMS.slice(1, 6).concat(HARMS.slice(7)))('what was there before any LED stays: %s', (_, harm) => {
  harm();
  expect(() => new FileLed(path, top)).toThrow('is not an LED');
});
