// Checks that nothing but a regular file of a bounded size is read where a policy is expected, and that nothing else is opened. A FIFO that
// were opened would hold this test for ever: no writer ever comes.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { readPolicyFileHere } from '../../../appliance/policy/policy-file-here.ts';
import { writeDurable } from '../../../appliance/os/durable-file.ts';
import { readRegularFile } from '../../../appliance/os/regular-file.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-file-'));
  path = join(folder, 'policy.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const beside = (): string => join(folder, 'beside');
const KINDS: readonly (readonly [string, () => unknown, string])[] = [
  ['a FIFO', () => execFileSync('mkfifo', [path]), 'is a FIFO'],
  ['a directory', () => mkdirSync(path), 'is a directory'],
  ['a device', () => execFileSync('mknod', [path, 'c', '1', '5']), 'is a device'],
  ['a link to a device', () => symlinkSync('/dev/zero', path), 'is a device'],
  [
    'a link to a FIFO',
    () => execFileSync('sh', ['-c', `mkfifo ${beside()}; ln -s ${beside()} ${path}`]),
    'is a FIFO',
  ],
  ['a link to a directory', () => symlinkSync(folder, path), 'is a directory'],
  ['a link to itself', () => symlinkSync(path, path), 'ELOOP'],
  ['nothing', () => undefined, 'ENOENT'],
  ['a file of more than 1 MiB', () => execFileSync('truncate', ['-s', String(2 ** 20 + 1), path]), 'larger'],
  // Of these the kernel says that they are regular, and empty.
  ['a file of the kernel without an end', () => symlinkSync('/proc/kmsg', path), 'cannot be read'],
];

it.each(KINDS)('%s is no policy', async (_kind, make, said) => {
  make();
  const reading = await readPolicyFileHere(path);
  expect(reading.ok).toBe(false);
  if (!reading.ok) expect(reading.faults.join()).toContain(said);
});

it('a socket is no policy', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(() => readRegularFile(path)).toThrow('is a socket');
  server.close();
});

it('a file, and a link to one, are read whole', () => {
  const text = 'x'.repeat(200_000);
  writeFileSync(beside(), text);
  symlinkSync(beside(), path);
  expect(readRegularFile(path)).toBe(text);
});

it.each(['FIFO', 'link'])(
  'a %s that lies where a file is prepared is neither waited for nor followed',
  (what) => {
    if (what === 'FIFO') execFileSync('mkfifo', [`${path}.new`]);
    else symlinkSync(beside(), `${path}.new`);
    writeFileSync(beside(), 'untouched');
    writeDurable(path, 'text');
    expect([readRegularFile(path), readRegularFile(beside())]).toEqual(['text', 'untouched']);
  },
);
