// Checks that what tunnels' names have led to outlives the daemon, and what a damaged file means. Holds known-servers.ts.

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KnownServersFile } from '../../../../appliance/daemon/state/known-servers.ts';

function fileIn(directory: string): { file: KnownServersFile; faults: (string | undefined)[] } {
  const faults: (string | undefined)[] = [];
  return { file: new KnownServersFile(directory, (text) => faults.push(text)), faults };
}
const fresh = (): string => mkdtempSync(join(tmpdir(), 'leakguard-servers-'));
const NONE = { known: {}, used: [] };
const KNOWN = {
  known: { 'vpn.example': ['198.51.100.7', '2001:db8::7'] },
  used: [{ name: 'vpn.example', address: '2001:db8::7' }],
};

describe('known servers', () => {
  it('are read as they were kept, and written only when they change', () => {
    const directory = fresh();
    const { file, faults } = fileIn(directory);
    expect(file.read()).toEqual(NONE);
    file.keep(NONE);
    expect(readdirSync(directory)).toEqual([]);
    file.keep(KNOWN);
    expect(fileIn(directory).file.read()).toEqual(KNOWN);
    rmSync(join(directory, 'servers.json'));
    file.keep(KNOWN);
    expect(readdirSync(directory)).toEqual([]);
    expect(faults.filter((text) => text !== undefined)).toEqual([]);
  });

  it.each([
    ['torn', '{"version":1,"serv'],
    ['empty', ''],
    ['of another version', '{"version":2,"servers":{}}'],
    ['of another shape', '{"version":1,"servers":{"vpn.example":"198.51.100.7"},"used":[]}'],
    ['without what is used', '{"version":1,"servers":{}}'],
    ['of others in use', '{"version":1,"servers":{},"used":["198.51.100.7"]}'],
  ])('are none, and that is said, when the file is %s', (_case, content) => {
    const directory = fresh();
    writeFileSync(join(directory, 'servers.json'), content);
    const { file, faults } = fileIn(directory);
    expect(file.read()).toEqual(NONE);
    expect(faults).toEqual([expect.stringContaining('damaged')]);
  });

  it('that cannot be written are tried again, and said meanwhile', () => {
    const directory = join(fresh(), 'gone');
    const { file, faults } = fileIn(directory);
    file.keep(KNOWN);
    expect(faults).toEqual([expect.stringContaining('cannot be written')]);
    mkdirSync(directory);
    file.keep(KNOWN);
    expect(faults.at(-1)).toBeUndefined();
    expect(readFileSync(join(directory, 'servers.json'), 'utf8')).toContain('198.51.100.7');
  });
});
