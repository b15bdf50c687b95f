// What may stand at the top level of the repository.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { ourFiles, ROOT } from './tree.ts';

const FOLDERS = ['appliance', 'image-build', 'src', 'systemd', 'test', 'web'];
const MADE = ['coverage', 'dist', 'node_modules'];
const ROOT_FILE =
  /^(?:\..+|(?:README|ARCHITECTURE|CHANGELOG)\.md|LICENSE|package(?:-lock)?\.json|tsconfig(?:\.\w+)?\.json|\w+\.config\.(?:js|ts))$/;

describe('the top level', () => {
  it('has the folders of the design and no others', () => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !MADE.includes(entry.name))
      .map((entry) => entry.name);
    expect(folders.filter((name) => !FOLDERS.includes(name))).toEqual([]);
  });

  it('has only files that tools and people look for there', () => {
    expect(ROOT_FILE.test('setup.sh')).toBe(false);
    const files = ourFiles().filter((path) => !path.includes('/'));
    expect(files.filter((name) => !ROOT_FILE.test(name))).toEqual([]);
    for (const name of [
      'README.md',
      'ARCHITECTURE.md',
      'LICENSE',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
    ])
      expect(files).toContain(name);
  });

  it('has a CI that runs what a person runs', () => {
    const lines = readFileSync(join(ROOT, '.ci', 'run'), 'utf8').split('\n');
    expect(lines.filter((line) => line.trim() !== '' && !line.startsWith('#')).at(-1)).toMatch(/\bnpm test$/);
  });
});
