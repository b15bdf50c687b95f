// When a build is out of date, and what one leaves.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { build, isStale } from '../../../appliance/provision/build.mjs';
import type { Machine } from '../../../appliance/provision/machine.mjs';

let root = '';

const compiler = (code: number): Machine => ({
  root,
  isRoot: false,
  execPath: 'node',
  has: () => false,
  say: () => undefined,
  run: () => {
    mkdirSync(join(root, 'dist', 'web'), { recursive: true });
    return Promise.resolve({ code, output: 'error TS1005', stdout: '' });
  },
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'leakguard-build-'));
  mkdirSync(join(root, 'src', 'wire'), { recursive: true });
  mkdirSync(join(root, 'web', 'views'), { recursive: true });
  writeFileSync(join(root, 'src', 'wire', 'dns.ts'), '');
  writeFileSync(join(root, 'web', 'views', 'status.ejs'), 'new');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('isStale', () => {
  it('is true before the first build and false after one', async () => {
    expect(isStale(root)).toBe(true);
    expect(await build(compiler(0))).toBe('');
    expect(isStale(root)).toBe(false);
  });

  it('is true after a source changed, however deep', async () => {
    await build(compiler(0));
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(root, 'src', 'wire', 'dns.ts'), later, later);
    expect(isStale(root)).toBe(true);
  });

  it('stays true after a build that failed', async () => {
    await build(compiler(0));
    expect(await build(compiler(2))).toContain('error TS1005');
    expect(isStale(root)).toBe(true);
  });
});

describe('build', () => {
  it('copies the templates, and leaves none that are gone', async () => {
    mkdirSync(join(root, 'dist', 'web', 'views'), { recursive: true });
    writeFileSync(join(root, 'dist', 'web', 'views', 'old.ejs'), '');
    await build(compiler(0));
    expect(readFileSync(join(root, 'dist', 'web', 'views', 'status.ejs'), 'utf8')).toBe('new');
    expect(existsSync(join(root, 'dist', 'web', 'views', 'old.ejs'))).toBe(false);
  });

  it('says so when the one-file programs cannot be made', async () => {
    const machine = compiler(0);
    const run = (command: string, args: readonly string[]) =>
      args.some((arg) => arg.endsWith('bundle.mjs'))
        ? Promise.resolve({ code: 1, output: 'UNRESOLVED_IMPORT', stdout: '' })
        : machine.run(command, [...args], {});
    expect(await build({ ...machine, run })).toContain('UNRESOLVED_IMPORT');
    expect(isStale(root)).toBe(true);
  });
});
