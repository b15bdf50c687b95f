// Knows: that the specification calls its essential traffic by the rows of README.md's table. Must not know: what any of it says.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BARE, LEARNED } from '../policy/policies.ts';
import { Frame, KINDS } from './frame.ts';
import type { Way } from './frame.ts';
import { Sight } from './sight.ts';
import { knownOf } from './spec-state.ts';
import { down, up } from './what-may-cross.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const table = /<!-- essential traffic -->(.*)<!-- end of essential traffic -->/s.exec(readme)?.[1] ?? '';

function rowsOf(way: Way): readonly string[] {
  return table.split('\n').flatMap((line) => {
    const [, form = '', , goes = ''] = line.split('|').map((cell) => cell.trim().replaceAll('"', ''));
    return goes === way ? [form] : [];
  });
}

function clausesOf(way: Way): readonly string[] {
  const kinds = KINDS.filter((kind) => kind.way === way && kind.tag === 'none');
  const names = kinds.flatMap((kind) => {
    const chapters = (way === 'up' ? up : down)(new Sight(new Frame(kind), knownOf(BARE, LEARNED)));
    return Object.values(chapters).flatMap((clauses) => clauses());
  });
  return [...new Set(names.filter(({ reason }) => reason === 'plumbing').map(({ name }) => name))];
}

it.each(['up', 'down'] as const)('every row of the table is a clause, and every clause a row: %s', (way) => {
  const [rows, names] = [rowsOf(way), clausesOf(way)];
  expect(rows.length).toBeGreaterThan(6);
  expect(rows.filter((row) => !names.some((name) => row.includes(name)))).toEqual([]);
  expect(names.filter((name) => !rows.some((row) => row.includes(name)))).toEqual([]);
});
