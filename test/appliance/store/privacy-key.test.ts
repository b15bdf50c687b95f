// Knows: that the key of redacted names is the same as long as the process lives, whatever becomes of its file. Must not know: HMAC.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPrivacyKey } from '../../../appliance/store/privacy-key.ts';

let top = '';
let path = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'leakguard-key-'));
  path = join(top, 'privacy.key');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

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
        readPrivacyKey(top);
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
    const { hash, keep } = readPrivacyKey(top);
    const [text, name] = [readFileSync(path, 'utf8'), hash('bank.example')];
    expect(keep()).toBe(false);
    for (let time = 0; time < 2; time += 1) {
      harm();
      expect([keep(), keep()]).toEqual([true, false]);
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
    expect(readPrivacyKey(top).hash('bank.example')).toBe(name);
  });

  it('put back by another hand with the same in it is nothing to tell', () => {
    const { keep } = readPrivacyKey(top);
    keep();
    writeFileSync(path, readFileSync(path));
    expect(keep()).toBe(false);
  });

  it('refused by the disk is said', () => {
    const { keep } = readPrivacyKey(top);
    rmSync(path);
    mkdirSync(path);
    expect(() => keep()).toThrow();
  });
});
