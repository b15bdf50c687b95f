// What the doctor says of a box that is well, and of one with each thing wrong.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { doctorCommand, examine, exitCodeOf } from '../../../appliance/cli/commands/doctor.ts';
import type { Finding, Subject } from '../../../appliance/doctor/finding.ts';
import { UNITS } from '../../../appliance/doctor/machine.ts';
import { wantedFiles } from '../../../appliance/setup/plan.ts';
import { barePolicy } from '../../../src/policy/schema/bare-policy.ts';
import { compileRuleset } from '../../../src/policy/compile/nft.ts';
import type { Status } from '../../../src/api/status.ts';
import { someHealth } from '../../box-answers.ts';
import { aStatus, GuardPeer } from '../../guard-peer.ts';
import { runCommand } from '../cli/command-run.ts';

const policy = { ...barePolicy(), lamp: { driver: 'leds', red: 'RED', green: 'GREEN' } as const };

const tap = (port: 'lan' | 'wan', state: 'up' | 'restarting' = 'up') => ({
  ...{ port, interface: `${port}0`, state, frames: 1, restarts: 0, detail: state },
});
const health = (changes: object = {}) => ({
  taps: [tap('lan'), tap('wan')],
  ruleset: { verified: true, at: null, detail: 'read back and equal' },
  counters: { readable: true, at: null },
  warnings: [],
  limits: { incidentsFolded: 0, observationsFolded: 0 },
  ...changes,
});
const status = (changes: object = {}): Status =>
  ({ state: 'clear', health: health(changes) }) as unknown as Status;

const port = (name: 'bridge' | 'lan' | 'wan', changes: object = {}): Subject['ports'][number] => ({
  ...{ port: name, name: name === 'bridge' ? 'br0' : `${name}0`, present: true, up: true },
  ...{ carrier: true, speed: 1000, offloads: [], dropped: 0, ...changes },
});

/** What programs say on a box that is well. */
const SAID: Readonly<Record<string, string>> = {
  'nft list tables': 'table bridge leakguard\ntable inet filter\n',
  ...Object.fromEntries(
    UNITS.map((unit) => [
      `systemctl show --property LoadState,ActiveState,SubState ${unit}`,
      'LoadState=loaded\nActiveState=active\nSubState=running\n',
    ]),
  ),
};

function box(changes: Partial<Subject> = {}, said: Readonly<Record<string, string>> = {}): Subject {
  return {
    ...{ policy, stateDir: '/state', status: status(), silence: '' },
    machine: {
      ...{ load: [0.1, 0.1, 0.1], processors: 4, memory: { total: 1e9, available: 8e8 }, uptime: 60 },
      ...{ disk: { total: 1e10, available: 5e9 }, temperature: 48, throttling: { now: [], before: [] } },
      clock: { now: '2026-11-22T09:00:00.000Z', kept: true },
    },
    ports: [port('bridge'), port('lan'), port('wan')],
    ...{ bridgeFaults: [], rulesFault: undefined, ledFault: undefined, readText: () => undefined },
    run: (...words) => Promise.resolve({ ...SAID, ...said }[words.join(' ')]),
    ...changes,
  };
}

it('finds nothing wrong with a box that is well, and says what it saw', async () => {
  const findings = await examine(box());
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining([
      'port lan',
      'bridge',
      'rules',
      'tap wan',
      'kernel',
      'firewalls',
      'lamp',
      'clock',
      'power',
    ]),
  );
  expect(findings.every(({ saw }) => saw !== '')).toBe(true);
  expect(exitCodeOf(findings)).toBe(0);
});

it('asks for every unit of ours that setup enables, and names the one that does not run', async () => {
  const enabled = wantedFiles({
    ...{ lan: '', wan: '', bridge: policy.bridge, management: 'dhcp', webPort: 80, lamp: 'leds' },
  }).flatMap(({ path }) => /\.wants\/(leakguard.*)$/.exec(path)?.[1] ?? []);
  expect(new Set(UNITS)).toEqual(new Set(enabled));
  for (const unit of enabled) {
    const asked = `systemctl show --property LoadState,ActiveState,SubState ${unit}`;
    const findings = await examine(
      box({}, { [asked]: 'LoadState=loaded\nActiveState=inactive\nSubState=dead\n' }),
    );
    expect(findings.filter(({ level }) => level !== 'ok')).toMatchObject([{ level: 'fault', check: unit }]);
  }
});

const machine = (changes: object) => ({ machine: { ...box().machine, ...changes } });

it.each<[string, Subject, level: string, check: string, saw: RegExp]>([
  [
    'a port that is not there',
    box({ ports: [port('bridge'), port('lan', { present: false }), port('wan')] }),
    'fault',
    'port lan',
    /no interface lan0/,
  ],
  [
    'a port that is down',
    box({ ports: [port('bridge'), port('wan', { up: false })] }),
    'fault',
    'port wan',
    /is down/,
  ],
  [
    'a cable that is out',
    box({ ports: [port('bridge'), port('lan', { carrier: false })] }),
    'warning',
    'port lan',
    /no carrier/,
  ],
  [
    'offloads',
    box({ ports: [port('bridge'), port('lan', { offloads: ['generic-receive-offload'] })] }),
    'warning',
    'port lan offloads',
    /generic-receive-offload on/,
  ],
  ['no bridge', box({ ports: [port('bridge', { present: false })] }), 'fault', 'bridge', /there is no br0/],
  [
    'a sysctl',
    box({ bridgeFaults: ['/proc/sys/net/ipv4/ip_forward is 1, not 0'] }),
    'fault',
    'bridge',
    /ip_forward is 1/,
  ],
  [
    'rules that were changed',
    box({ status: status({ ruleset: { verified: false, at: null, detail: 'a rule is gone' } }) }),
    'fault',
    'rules',
    /a rule is gone/,
  ],
  [
    'a tap that is not there',
    box({ status: status({ taps: [tap('wan', 'restarting')] }) }),
    'fault',
    'tap wan',
    /restarting/,
  ],
  [
    'counters',
    box({ status: status({ counters: { readable: false, at: null } }) }),
    'fault',
    'counters',
    /cannot be read/,
  ],
  [
    'a warning of the daemon',
    box({ status: status({ warnings: ['The LED cannot be used.'] }) }),
    'warning',
    'daemon says',
    /LED/,
  ],
  [
    'a daemon that is silent',
    box({ status: undefined, silence: 'The daemon does not answer.' }),
    'fault',
    'daemon',
    /does not answer/,
  ],
  [
    'no rules at all',
    box({ status: undefined, silence: 'x' }),
    'fault',
    'rules',
    /no table bridge leakguard/,
  ],
  ['rules that the kernel refuses', box({ rulesFault: 'nft ended with 1' }), 'fault', 'kernel', /nft ended/],
  [
    'br_netfilter',
    box({ readText: (path) => (path === '/proc/modules' ? 'br_netfilter 32768 0\n' : undefined) }),
    'warning',
    'modules',
    /br_netfilter/,
  ],
  [
    'a unit that failed',
    box(
      {},
      {
        'systemctl show --property LoadState,ActiveState,SubState leakguardd.service':
          'LoadState=loaded\nActiveState=failed\nSubState=failed\n',
      },
    ),
    'fault',
    'leakguardd.service',
    /failed/,
  ],
  [
    'rules of somebody else',
    box({}, { 'nft list tables': 'table bridge leakguard\ntable netdev x\n' }),
    'warning',
    'firewalls',
    /netdev x/,
  ],
  [
    'NetworkManager',
    box({}, { 'nmcli --terse --fields DEVICE,STATE device': 'lan0:connected\nwan0:unmanaged\n' }),
    'fault',
    'NetworkManager',
    /manages lan0/,
  ],
  [
    'ifupdown',
    box({
      readText: (path) =>
        path === '/etc/network/interfaces' ? 'auto wan0\niface wan0 inet dhcp\n' : undefined,
    }),
    'fault',
    'ifupdown',
    /wan0/,
  ],
  [
    'another manager',
    box({}, { 'systemctl show --property ActiveState docker.service': 'ActiveState=active\n' }),
    'warning',
    'docker',
    /it is running/,
  ],
  ['no LED', box({ policy: { ...policy, lamp: { driver: 'none' } } }), 'warning', 'lamp', /has no LED/],
  ['an LED that is not there', box({ ledFault: 'there is no light RED' }), 'fault', 'lamp', /no light RED/],
  [
    'a clock that was never set',
    box(machine({ clock: { now: '1970-01-01T00:00:10.000Z', kept: false } })),
    'warning',
    'clock',
    /1970/,
  ],
  ['a full disk', box(machine({ disk: { total: 1e9, available: 1e6 } })), 'fault', 'disk', /0\.0 GB/],
  [
    'a weak supply',
    box(machine({ throttling: { now: ['weak supply'], before: [] } })),
    'fault',
    'power',
    /weak supply/,
  ],
  ['heat', box(machine({ temperature: 82 })), 'warning', 'heat', /82/],
])('finds %s, and says what to do', async (_, subject, level, check, saw) => {
  const findings = await examine(subject);
  const finding = findings.find((each) => each.check === check && each.level === level);
  expect(finding?.saw).toMatch(saw);
  expect(finding?.remedy).not.toBe('');
  expect(exitCodeOf(findings)).toBe(findings.some((each) => each.level === 'fault') ? 3 : 0);
  if (level === 'fault') expect(exitCodeOf(findings)).toBe(3);
});

it('says of what it cannot look at that it is unknown, never that it is well', async () => {
  const blind = box({
    run: () => Promise.resolve(undefined),
    ports: [port('bridge'), port('lan', { carrier: null, offloads: null })],
    machine: { ...box().machine, disk: null, memory: null },
  });
  const unknown = (await examine(blind)).filter(({ level }) => level === 'unknown').map(({ check }) => check);
  expect(unknown).toEqual(['port lan', 'port lan offloads', 'units', 'firewalls', 'disk', 'memory']);
});

it('compares the rules with those of the next boot while the daemon is silent', async () => {
  const boot = compileRuleset(policy, { blockMode: true });
  const silent = box(
    { status: undefined, silence: 'x', readText: (path) => (path === '/state/boot.nft' ? boot : undefined) },
    { 'nft -j list table bridge leakguard': '{"nftables": []}' },
  );
  const [rules] = (await examine(silent)).filter(({ check }) => check === 'rules');
  expect(rules).toMatchObject({ level: 'warning' });
  expect(rules?.saw).toMatch(/^different from those of the next boot: /);
});

it('goes on when a check breaks', async () => {
  const findings = await examine(box({ run: () => Promise.reject(new Error('boom')) }));
  expect(findings.filter(({ saw }) => saw.includes('boom')).length).toBeGreaterThan(0);
  expect(findings.map(({ check }) => check)).toContain('lamp');
});

it.each([
  ['neither policy nor state', [], 'this machine is not set up as a box', 'leakguard setup'],
  [
    'a state and no policy',
    ['state'],
    'there is no valid policy, so the box blocks all traffic',
    'leakguard setup',
  ],
])('goes on at a machine with %s, and says what to do', async (_, made, said, remedy) => {
  const top = mkdtempSync(join(tmpdir(), 'leakguard-doctor-'));
  try {
    for (const name of made) mkdirSync(join(top, name));
    const [config, state] = [join(top, 'policy.yaml'), join(top, 'state')];
    const { code, out, err } = await runCommand(
      [doctorCommand],
      ['doctor', '--config', config, '--state-dir', state, '--json'],
    );
    expect([code, err]).toEqual([3, '']);
    const { findings } = JSON.parse(out) as { findings: Finding[] };
    expect(findings[0]).toMatchObject({ check: 'policy', level: 'fault' });
    expect(findings[0]?.saw).toContain(said);
    expect(findings[0]?.remedy).toContain(remedy);
    const checks = findings.map(({ check }) => check);
    expect(checks).toEqual(expect.arrayContaining(['daemon', 'clock', 'disk']));
    // It is not known what these should be.
    expect(checks.filter((check) => /^(?:port|bridge|rules|lamp)/.test(check))).toEqual([]);
  } finally {
    rmSync(top, { recursive: true });
  }
});

it('checks the daemon that it is told to, by what that reports, and nothing of this machine', async () => {
  const peer = await GuardPeer.start();
  try {
    peer.status = aStatus();
    peer.answers.set('GET /v1/policy', barePolicy());
    const { ports } = box();
    peer.answers.set('GET /v1/health', { ...someHealth(), ports });
    const run = () => runCommand([doctorCommand], ['doctor', '--api', peer.socketPath, '--json']);
    const { code, out, err } = await run();
    expect([code, err]).toEqual([0, '']);
    const { findings } = JSON.parse(out) as { findings: Finding[] };
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['port lan', 'bridge', 'rules', 'daemon', 'tap wan', 'clock']),
    );
    expect(findings.map(({ check }) => check)).not.toContain('firewalls');
    peer.answers.set('GET /v1/health', { ...someHealth(), ports: [port('bridge', { present: false })] });
    expect((await run()).code).toBe(3);
    await peer.vanish();
    expect(await run()).toMatchObject({ code: 3, out: '' });
  } finally {
    await peer.stop();
  }
});
