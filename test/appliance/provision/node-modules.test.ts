// When node_modules is what the lock file says.

import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { firstStale, nativeModules, outdated } from '../../../appliance/provision/node-modules.mjs';

const locked = {
  '': { version: '0.1.0' },
  'node_modules/koa': { version: '3.3.0' },
  'node_modules/fsevents': { version: '2.3.3', optional: true },
};

describe('firstStale', () => {
  it('finds nothing when all that this machine needs is installed', () => {
    expect(firstStale(locked, { 'node_modules/koa': { version: '3.3.0' } })).toBeUndefined();
  });

  it('names a package that is missing', () => {
    expect(firstStale(locked, {})).toBe('node_modules/koa');
  });

  it('names a package of another version, optional ones too', () => {
    expect(firstStale(locked, { 'node_modules/koa': { version: '3.2.9' } })).toBe('node_modules/koa');
    const other = { 'node_modules/koa': { version: '3.3.0' }, 'node_modules/fsevents': { version: '2.3.2' } };
    expect(firstStale(locked, other)).toBe('node_modules/fsevents');
  });
});

describe('nativeModules', () => {
  it('are those whose scripts are allowed; a folder of ours by its name', () => {
    expect(nativeModules({ allowScripts: { cap: true, 'file:../appliance/tap/packet-ring': true } })).toEqual(
      ['cap', 'packet-ring'],
    );
    expect(nativeModules({})).toEqual([]);
  });
});

describe('outdated', () => {
  const packages = {
    'node_modules/ours': { link: true, resolved: 'ours' },
    'node_modules/koa': { version: '1' },
  };
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'leakguard-native-'));
    mkdirSync(join(root, 'ours'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const put = (path: string, seconds: number): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
    utimesSync(join(root, path), seconds, seconds);
  };

  it('names a module of ours that was not compiled, or is older than any of its sources', () => {
    put('ours/ours.c', 1_000);
    expect(outdated(root, { packages })).toEqual(['ours']);
    put('ours/build/Release/ours.node', 1_000);
    expect(outdated(root, { packages })).toEqual([]);
    put('ours/binding.gyp', 1_001);
    expect(outdated(root, { packages })).toEqual(['ours']);
    put('ours/build/Release/ours.node', 1_002);
    expect(outdated(root, { packages })).toEqual([]);
  });
});
