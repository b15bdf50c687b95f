// Checks that the key of redacted names is the same as long as the process lives, whatever becomes of its file.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PrivacyKey, hashWith } from '../../../appliance/history/privacy-key.ts';

let top = '';
let path = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'leakguard-key-'));
  path = join(top, 'privacy.key');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const onDisk = (): PrivacyKey => {
  const key = new PrivacyKey(top);
  key.place('disk');
  return key;
};

describe('a key whose file is', () => {
  const HARMS: readonly (readonly [string, () => unknown])[] = [
    ['removed', () => rmSync(path)],
    ['cut', () => truncateSync(path)],
    ['another', () => writeFileSync(path, '00'.repeat(32))],
    ['no key', () => writeFileSync(path, 'a letter')],
    [
      'a link to nothing',
      () => {
        rmSync(path);
        symlinkSync('nowhere', path);
      },
    ],
    [
      'made anew by another process',
      () => {
        rmSync(path);
        onDisk();
      },
    ],
    [
      'gone with its folder, which is back',
      () => {
        rmSync(top, { recursive: true });
        mkdirSync(top);
      },
    ],
  ];
  it.each(HARMS)('%s is put back, and told once', (_, harm) => {
    const key = onDisk();
    const { hash } = key;
    const keep = (): boolean => key.keep();
    const [text, name] = [readFileSync(path, 'utf8'), hash('bank.example')];
    expect(keep()).toBe(false);
    for (let time = 0; time < 2; time += 1) {
      harm();
      expect([keep(), keep()]).toEqual([true, false]);
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
    expect(onDisk().hash('bank.example')).toBe(name);
  });

  it('put back by another hand with the same in it is nothing to tell', () => {
    const key = onDisk();
    const keep = (): boolean => key.keep();
    keep();
    writeFileSync(path, readFileSync(path));
    expect(keep()).toBe(false);
  });

  it('refused by the disk is said', () => {
    const key = onDisk();
    const keep = (): boolean => key.keep();
    rmSync(path);
    mkdirSync(path);
    expect(() => keep()).toThrow();
  });
});

describe('a key in memory alone', () => {
  it('lies nowhere, takes away one that lay there, and is another with every run', () => {
    const before = onDisk().hash('bank.example');
    const runs = [1, 2].map(() => {
      const key = new PrivacyKey(top);
      key.place('memory');
      expect(key.keep()).toBe(false);
      return key.hash('bank.example');
    });
    expect(readdirSync(top)).toEqual([]);
    expect(new Set([before, ...runs]).size).toBe(3);
  });

  it.each([
    ['disk', 'memory'],
    ['memory', 'disk'],
  ] as const)('is a new one when its place changes from %s to %s', (from, to) => {
    const key = new PrivacyKey(top);
    key.place(from);
    const before = key.hash('bank.example');
    key.place(to);
    expect(key.hash('bank.example')).not.toBe(before);
    expect(existsSync(path)).toBe(to === 'disk');
  });
});

it('is forgotten for good, and another process hashes by the one in use', () => {
  const key = onDisk();
  const [text, name] = [readFileSync(path, 'utf8'), key.hash('bank.example')];
  expect(hashWith(key.secret)('bank.example')).toBe(name);
  key.forget();
  expect(key.hash('bank.example')).not.toBe(name);
  expect(readFileSync(path, 'utf8')).not.toBe(text);
  expect(onDisk().hash('bank.example')).toBe(key.hash('bank.example'));
});
