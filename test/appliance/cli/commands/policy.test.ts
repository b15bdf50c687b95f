// What `leakguard policy` says of good and bad files.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { policyCommand } from '../../../../appliance/cli/commands/policy.ts';
import { compileFilter } from '../../../../src/policy/compile/bpf.ts';
import { compileRuleset } from '../../../../src/policy/compile/nft.ts';
import { parsePolicy } from '../../../../src/policy/schema/schema.ts';
import { runCommand } from '../command-run.ts';

const GOOD = `version: 1
profile: full-tunnel
tunnels:
  - name: home
    protocol: wireguard
    endpoints: ["udp:198.51.100.7:51820"]
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-policy-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'policy.yaml');
  writeFileSync(path, text);
  return path;
}

const run = (...args: string[]) => runCommand([policyCommand], ['policy', ...args]);

it.each([
  ['proxies: ["tcp:203.0.113.9:1080"]', 'none'],
  ['proxies: ["tcp:203.0.113.9:1080"]\ndirect: any', 'any'],
  ['resolvers: ["dot:9.9.9.9:853"]', 'any'],
])('says where other traffic goes by a policy that does not say it: %s', async (lines, direct) => {
  const path = file(GOOD.replace('full-tunnel', `proxy-stub\n${lines}`));
  expect((await run('check', path)).out).toBe(
    `${path} is valid: proxy-stub with direct: ${direct}, 1 tunnels\n`,
  );
});

it('says that a good file is good, and prints what is made of it', async () => {
  const path = file(GOOD);
  const parsed = parsePolicy(GOOD);
  if (!parsed.ok) throw new Error('the sample is no policy');
  const { policy } = parsed;
  expect(await run('check', path)).toMatchObject({
    code: 0,
    out: `${path} is valid: full-tunnel, 1 tunnels\n`,
  });
  expect(JSON.parse((await run('show', path)).out)).toEqual(policy);
  expect((await run('ruleset', path)).out).toBe(`${compileRuleset(policy, { blockMode: true }).trimEnd()}\n`);
  expect((await run('ruleset', path, '--block', 'off')).out).toBe(
    `${compileRuleset(policy, { blockMode: false }).trimEnd()}\n`,
  );
  expect((await run('filter', path)).out).toBe(`${compileFilter(policy, 'either')}\n`);
  expect(JSON.parse((await run('filter', path, '--port', 'wan', '--json')).out)).toEqual({
    filter: compileFilter(policy, 'wan'),
  });
  expect((await run('filter', path, '--port', 'eth0')).code).toBe(2);
});

it('tells every fault of a bad file with its line and remedy, and ends with 2', async () => {
  const path = file(GOOD.replace('full-tunnel', 'half-tunnel').replace(':51820', ':0'));
  const { code, out } = await run('check', path);
  expect(code).toBe(2);
  expect(out).toMatch(new RegExp(`^${path}:2: profile: .+\n {4}.+`, 'm'));
  expect(out).toMatch(/:6: tunnels\[0\]\.endpoints\[0\]: .+\n {4}.+/);
  const { ok, faults } = JSON.parse((await run('check', path, '--json')).out) as {
    ok: boolean;
    faults: unknown[];
  };
  expect([ok, faults.length]).toEqual([false, 2]);
  const refused = await run('filter', path);
  expect([refused.code, refused.out]).toEqual([2, '']);
  expect(refused.err).toContain('profile');
});

it.each([
  [[], 'Choose one of check, show, ruleset or filter.'],
  [['chek', 'x'], 'There is no "policy chek".'],
  [['check'], 'No file was given.'],
  [['check', '/nowhere/at.all'], 'no such file'],
  [['ruleset', '/etc/hostname', '--block', 'maybe'], '--block maybe'],
])('ends with 2 for %j', async (args, said) => {
  const { code, err } = await run(...args);
  expect(code).toBe(2);
  expect(err).toContain(said);
});

it.each([
  ['nonsense: 1\n', ['profile', 'tunnels', 'privacy']],
  ['bridge: {nonsense: 1}\n', ['name', 'lan', 'wan']],
  ['allow:\n  - {nonsense: 1, to: 192.0.2.1, why: printer}\n', ['to', 'why', 'client']],
  ['lamp: {driver: leds, nonsense: 1}\n', ['driver', 'red', 'green']],
  ['web: {nonsense: 1}\n', ['port']],
])('lists the settings of the place where one is none: %j', async (lines, settings) => {
  const { code, out } = await run('check', file(`${GOOD}${lines}`));
  expect(code).toBe(2);
  const [, told = ''] = /nonsense" is not a setting\n {4}.*; the settings here are (.*)\.\n/.exec(out) ?? [];
  expect(told.split(', ')).toEqual(expect.arrayContaining(settings));
});
