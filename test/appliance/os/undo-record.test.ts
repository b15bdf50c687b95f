// Checks that root undoes what a bridge needs undone, and nothing else that stands in the record.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { UndoRecord } from '../../../appliance/os/undo-record.ts';

let folder: string;
const owned = (): string => join(folder, 'owned');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'undo-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function undone(entries: readonly unknown[]): Promise<readonly string[]> {
  const path = join(folder, 'undo.json');
  writeFileSync(path, JSON.stringify(entries));
  return new UndoRecord(path).undoAll();
}

it('what belongs to the bridge is tried', async () => {
  const failures = await undone([{ kind: 'run', command: 'ip', args: ['link', 'del', 'no-such-link'] }]);
  expect(failures.join()).toMatch(/ip link del no-such-link/);
});

it.each([
  ['another program', () => ({ kind: 'run', command: 'touch', args: [owned()] })],
  ['a program by its path', () => ({ kind: 'run', command: '/usr/bin/touch', args: [owned()] })],
  [
    'a program that ip starts',
    () => ({ kind: 'run', command: 'ip', args: ['netns', 'exec', 'x', 'touch', owned()] }),
  ],
  ['a file of commands for ip', () => ({ kind: 'run', command: 'ip', args: ['-batch', owned()] })],
  [
    'a program that tc starts',
    () => ({ kind: 'run', command: 'tc', args: ['exec', 'bpf', 'import', owned()] }),
  ],
  ['a word that is none', () => ({ kind: 'run', command: 'ip', args: ['link', ['del']] })],
  ['a name of the language', () => ({ kind: 'run', command: 'constructor', args: ['link'] })],
  ['a file elsewhere', () => ({ kind: 'file', path: owned(), value: 'x' })],
  [
    'a file elsewhere, by way of a setting',
    () => ({ kind: 'file', path: `/proc/sys/net/../../..${owned()}`, value: 'x' }),
  ],
])('%s is not', async (_, entry) => {
  expect(await undone([entry()])).toEqual([]);
  expect(existsSync(owned())).toBe(false);
});
