// What README.md and ARCHITECTURE.md name must be there.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { ourFiles, ROOT, textOf } from './tree.ts';

const DOCUMENTS = ['README.md', 'ARCHITECTURE.md'] as const;
const GUARANTEES = ['1', '2', '3', '4', '5', '6', '7', '8'];

/** Paths in backticks that begin with a folder of ours. */
const pathsIn = (text: string): string[] =>
  [...text.matchAll(/`((?:src|appliance|web|systemd|image-build|test)\/[\w./-]*)`/g)].map(
    ([, path = '']) => path,
  );

const isThere = (path: string): boolean => existsSync(join(ROOT, path));

/** The rows of the table of guarantees: their number and the tests they cite. */
function guarantees(text: string): Map<string, string[]> {
  const rows = [...text.matchAll(/^\| (\d) +\|.*\|$/gm)];
  return new Map(
    rows.map(([row, number = '']) => [number, pathsIn(row).filter((path) => path.startsWith('test/'))]),
  );
}

describe('the documents', () => {
  it('name only files and folders that are there', () => {
    expect(pathsIn('see `src/wire/gone.ts`, `npm test`')).toEqual(['src/wire/gone.ts']);
    for (const name of DOCUMENTS) expect(pathsIn(textOf(name)).filter((path) => !isThere(path))).toEqual([]);
  });

  it('cite for every guarantee the tests that show it', () => {
    const rows = guarantees(textOf('README.md'));
    expect([...rows.keys()]).toEqual(GUARANTEES);
    for (const [number, cited] of rows) expect(cited.length, `guarantee ${number}`).toBeGreaterThan(0);
  });
});

describe('the tests', () => {
  it('stand where what they test stands', () => {
    const mirrored = /^test\/(wire|flow|policy|guard|appliance|web)\/(.*)$/;
    const homeless = ourFiles()
      .filter((path) => path.endsWith('.test.ts'))
      .filter((path) => {
        const [, part = '', rest = ''] = mirrored.exec(path) ?? [];
        const home = part === 'appliance' || part === 'web' ? part : join('src', part);
        return part !== '' && !isThere(join(home, dirname(rest)));
      });
    expect(homeless).toEqual([]);
  });
});
