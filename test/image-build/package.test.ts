// What may be in the package, and what Debian is told about it.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { nativeModules } from '../../appliance/provision/node-modules.mjs';
import { changelog, controlFile, copyrightFile } from '../../image-build/package/control.mjs';
import { commandNames, manPage } from '../../image-build/package/man-page.mjs';
import {
  copyModule,
  isNeeded,
  modulesFor,
  NATIVE,
  runtimeModules,
} from '../../image-build/package/modules.mjs';
import type { LockedPackages } from '../../image-build/package/modules.mjs';
import { settle } from '../../image-build/package/tree.mjs';
import { ROOT } from '../architecture/tree.ts';

const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: LockedPackages;
};
const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-package-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the modules of a box', () => {
  it('are what the program asks for, and nothing that tests or compilers ask for', () => {
    const names = runtimeModules(lock.packages);
    for (const name of Object.keys(own.dependencies)) expect(names).toContain(`node_modules/${name}`);
    const shipped = names.filter((path) => (lock.packages[path] as { dev?: boolean }).dev === true);
    expect(shipped).toEqual([]);
    for (const name of ['nan', 'prebuild-install', 'typescript', 'vitest'])
      expect(names).not.toContain(`node_modules/${name}`);
  });

  it('that are compiled are those whose install scripts are allowed', () => {
    expect(Object.keys(NATIVE).sort()).toEqual(nativeModules(own).sort());
  });

  it('are found where Node finds them: the nearest first', () => {
    const locked: LockedPackages = {
      '': { dependencies: { a: '1', b: '1' } },
      'node_modules/a': { dependencies: { c: '1' } },
      'node_modules/a/node_modules/c': {},
      'node_modules/b': { dependencies: { c: '2', nan: '1' } },
      'node_modules/c': {},
      'node_modules/nan': {},
    };
    const [b, c] = ['node_modules/b', 'node_modules/c'];
    expect(runtimeModules(locked)).toEqual(['node_modules/a', 'node_modules/a/node_modules/c', b, c]);
    expect(modulesFor(locked, '', ['b'])).toEqual([b, c, 'node_modules/nan']);
    expect(() => modulesFor(locked, '', ['gone'])).toThrow('finds gone');
  });

  it('come without sources, tests and what people read', () => {
    const kept = ['package.json', 'lib/index.js', 'dist/a.cjs', 'data.csv', 'views/a.ejs'];
    const left = [
      'README.md',
      '.eslintrc.js',
      'test/a.js',
      'lib/a.d.ts',
      'src/a.cc',
      'deps/sqlite3.c',
      'a-num.csv',
    ].concat(['lib/.cache/a.js', 'build/Release/obj.target/a.o', 'lib/a.min.js', 'dist/a.js.map']);
    for (const path of kept) expect(isNeeded(path), path).toBe(true);
    for (const path of left) expect(isNeeded(path), path).toBe(false);
    for (const path of [...kept, ...left, 'node_modules/x/index.js']) {
      mkdirSync(dirname(join(folder, 'from', path)), { recursive: true });
      writeFileSync(join(folder, 'from', path), '');
    }
    copyModule(join(folder, 'from'), join(folder, 'to'));
    const copied = readdirSync(join(folder, 'to'), { recursive: true, encoding: 'utf8' });
    expect(copied.filter((path) => statSync(join(folder, 'to', path)).isFile()).sort()).toEqual(kept.sort());
  });
});

describe('what Debian is told', () => {
  it('names the Node that the native modules are compiled for, and every program that is run', () => {
    const control = controlFile({ version: '1.2.3', architecture: 'arm64', bytes: 5000 });
    expect(control).toMatch(/^Package: leakguard\nVersion: 1\.2\.3\nArchitecture: arm64\n/);
    expect(control).toContain('\nInstalled-Size: 5\n');
    const depends = /^Depends: (.*)$/m.exec(control)?.[1] ?? '';
    for (const name of [
      'nodejs (>= 20.19)',
      'nodejs (<< 21~)',
      'nftables',
      'iproute2',
      'ethtool',
      'systemd',
      'libpcap0.8',
    ])
      expect(depends).toContain(name);
    expect(control.split('\n').every((line) => line.length < 400)).toBe(true);
  });

  it('has the licence of every module in it', () => {
    const text = copyrightFile('MIT License\n\nCopyright (c) us\n', [
      { name: '@a/b', version: '1.0.0', license: 'ISC', text: 'Copyright (c) them\r\n\r\nDo as you like.\n' },
      { name: 'c', version: '2.0.0', license: 'Apache-2.0', text: 'a very long text' },
    ]);
    expect(text).toContain('Files: usr/lib/leakguard/node_modules/@a/b/*\nCopyright: Copyright (c) them\n');
    expect(text).toContain(' .\n Copyright (c) them\n .\n Do as you like.\n');
    expect(text).toContain('/usr/share/common-licenses/Apache-2.0');
    expect(text).not.toContain('a very long text');
  });

  it('has a date that the sources decide', () => {
    expect(changelog('1.2.3', new Date(0))).toMatch(/ -- .* <.*> {2}Thu, 01 Jan 1970 00:00:00 \+0000\n$/);
  });
});

describe('the manual', () => {
  it('is the help of the program and of each of its commands', () => {
    const help =
      'leakguard: x\n\n  status  one screen\n  watch   it -- all\n\n  leakguard COMMAND --help   y\n';
    expect(commandNames(help)).toEqual(['status', 'watch']);
    const commands = [{ name: 'status', help: ".starts with a dot\nback\\slash --json\n'quote\n" }];
    const page = manPage({
      name: 'leakguard',
      section: '1',
      about: 'sees',
      help,
      date: new Date(0),
      commands,
    });
    expect(page).toContain('.TH LEAKGUARD 1 1970-01-01 Leakguard\n');
    expect(page).toContain(
      ".SS status\n.nf\n\\&.starts with a dot\nback\\eslash \\-\\-json\n\\&'quote\n.fi\n",
    );
    expect(page).toContain('.BR leakguardd (8)');
    expect(page).not.toContain('.BR leakguard (1)');
  });
});

it('has the same rights and times wherever it is made', () => {
  const date = new Date(1_000_000_000_000);
  mkdirSync(join(folder, 'bin'), { mode: 0o700 });
  writeFileSync(join(folder, 'bin/run.js'), '#!/usr/bin/env node\n', { mode: 0o600 });
  writeFileSync(join(folder, 'a.json'), '{}', { mode: 0o666 });
  const { files, bytes } = settle(folder, date);
  expect(files).toEqual(['a.json', 'bin/run.js']);
  expect(bytes).toBe(4 * 4096);
  const seen = ['', 'bin', 'bin/run.js', 'a.json'].map((path) => statSync(join(folder, path)));
  expect(seen.map(({ mode }) => mode & 0o777)).toEqual([0o755, 0o755, 0o755, 0o644]);
  expect(seen.every(({ mtimeMs }) => mtimeMs === date.getTime())).toBe(true);
});
