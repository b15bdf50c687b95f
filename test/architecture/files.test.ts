// The house rules a single file keeps or breaks. Each rule is a pure function of a file's text, and is first shown to bite on a text that
// breaks it.

import { describe, expect, it } from 'vitest';

import { filesEnding, textOf } from './tree.ts';

const CODE = ['ts', 'mjs', 'cjs', 'js'] as const;

/** The comment a file begins with, after a `#!` line; empty when it begins with something else. */
function head(text: string): string {
  const body = text.replace(/^#!.*\n/, '');
  return /^(?:(?:\/\/.*\n)+|\/\*[^]*?\*\/|<%#[^]*?%>)/.exec(body)?.[0] ?? '';
}

const unfinished =
  /\bTO[D]O\b|\bFIXM[E]\b|\bXX[X]\b|eslint-disabl[e]|@ts-(?:ignor[e]|expect-erro[r]|nochec[k])|v8 ignor[e]/;
const defaultExport = /^export default\b|^export \{[^}]*\bas default\b/m;
const anEnum = /^\s*(?:export )?(?:declare )?(?:const )?enum \w/m;
const vagueName = /(?:^|\/)(?:utils?|misc|common|index|barrel)\.[a-z]+$/;
const toolConfig = /^[^/]*\.config\.(?:js|ts)$/;

describe('every source file', () => {
  it('begins with a comment', () => {
    expect(head('#!/usr/bin/env node\n// Knows: this.\nx();\n')).toBe('// Knows: this.\n');
    expect(head('x(); // Knows\n')).toBe('');
    const bare = filesEnding(...CODE, 'ejs', 'css').filter((path) => head(textOf(path)) === '');
    expect(bare).toEqual([]);
  });

  it('is finished', () => {
    expect(unfinished.test(['// TO', 'DO: later'].join(''))).toBe(true);
    const left = filesEnding(...CODE, 'ejs', 'css', 'nft', 'service').filter((path) =>
      unfinished.test(textOf(path)),
    );
    expect(left).toEqual([]);
  });

  it('exports by name and has no enum', () => {
    expect(defaultExport.test('const a = 1;\nexport { a as default };\n')).toBe(true);
    expect(anEnum.test('export const enum LED { Red }\n')).toBe(true);
    const code = filesEnding('ts', 'mjs').filter((path) => !toolConfig.test(path));
    expect(code.filter((path) => defaultExport.test(textOf(path)))).toEqual([]);
    expect(code.filter((path) => anEnum.test(textOf(path)))).toEqual([]);
  });

  it('has a name that says something', () => {
    expect(vagueName.test('src/wire/utils.ts')).toBe(true);
    expect(filesEnding(...CODE).filter((path) => vagueName.test(path))).toEqual([]);
  });
});
