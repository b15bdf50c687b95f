// Checks that texts keep their numbers however many there are.

import { expect, test } from 'vitest';
import { TextTable } from '../../../src/guard/history/text-table.ts';

const MANY = 50_000;
const textOf = (at: number): string => `${at % 7 === 0 ? 'münchen' : 'host'}${at}.leak.example`;

test('every text has one number in its group, and comes back whole', () => {
  const table = new TextTable();
  for (let at = 0; at < MANY; at += 1) expect(table.add(textOf(at), at % 3)).toBe(at);
  for (let at = 0; at < MANY; at += 97) {
    expect([table.text(at), table.group(at)]).toEqual([textOf(at), at % 3]);
    expect([table.add(textOf(at), at % 3), table.find(textOf(at), at % 3)]).toEqual([at, at]);
    expect(table.find(textOf(at), (at + 1) % 3)).toBe(-1);
  }
  expect(table.size).toBe(MANY);
});

test('the empty text is a text, and a long one is whole', () => {
  const table = new TextTable();
  const long = 'x'.repeat(100_000);
  expect([table.add('', 0), table.add(long, 0), table.add('', 1)]).toEqual([0, 1, 2]);
  expect([table.text(0), table.text(1).length, table.find('', 0), table.find('y', 0)]).toEqual([
    ...['', 100_000, 0, -1],
  ]);
});
