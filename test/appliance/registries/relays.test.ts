// Relay lists in files. Holds appliance/registries/relays.ts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RelaysError, relaysIn } from '../../../appliance/registries/relays.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'leakguard-relays-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('reads a list that is larger than other files of the box may be', () => {
  const path = join(dir, 'consensus');
  const entry = (n: number): string =>
    `r node ident 2026-11-29 12:00:00 198.51.${String(n >> 8)}.${String(n & 255)} 9001 0`;
  const lines = Array.from({ length: 9_000 }, (_, n) => `${entry(n)}\ns ${'Fast '.repeat(40)}`);
  writeFileSync(path, lines.join('\n'));
  const relays = relaysIn(path);
  expect(relays.size).toBe(9_000);
  expect(relays.has('198.51.1.2:9001')).toBe(true);
});

it.each([
  ['a file that lists none', (path: string): void => writeFileSync(path, 'hello\n'), 'lists no relays'],
  ['a name that leads nowhere', (): void => undefined, 'cannot be read'],
])('refuses %s and says why', (what, make, why) => {
  const path = join(dir, what.replaceAll(' ', '-'));
  make(path);
  expect(() => relaysIn(path)).toThrow(RelaysError);
  expect(() => relaysIn(path)).toThrow(why);
});
