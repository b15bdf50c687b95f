// Checks that nothing crosses before the rules stand, in whatever order a machine comes up, and that letting go leaves the machine as it
// was. The judge is a counter in the uplink under a flood of leak frames.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { LeakFlood } from './leak-flood.ts';

const lab = labForTests({ filling: 'nothing' });
let flood: LeakFlood;

beforeAll(async () => {
  flood = new LeakFlood(lab());
  await flood.start(50_000);
});
afterAll(() => flood.stop());

/** Everything of the box's machine that the appliance could change. */
async function machine(): Promise<string> {
  const { box } = lab().network;
  const settings = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'];
  const ports = ['net.ipv6.conf.lan0.disable_ipv6', 'net.ipv6.conf.wan0.disable_ipv6'];
  const sysctls = await box.must(['sysctl', ...settings, ...ports]);
  const bridging = await box.run(['sysctl', '-a', '-r', 'bridge-nf-call']);
  const links = await box.must(['ip', '-o', '-d', 'link']);
  const offloads = await box.must(['ethtool', '-k', 'lan0']);
  const rules = await box.must(['nft', 'list', 'tables']);
  // Interface flags and counters of a link move by themselves; master, address and name do not.
  const shape = links.stdout.replaceAll(
    /qdisc \S+|state \S+|mode \S+|<[^>]*>|qlen \d+|promiscuity \d+|allmulti \d+/g,
    '',
  );
  return [sysctls.stdout, bridging.stdout, shape, offloads.stdout, rules.stdout].join('\n');
}

/** Packets of a counter of the box's. */
async function kernelCount(name: string): Promise<number> {
  const { stdout } = await lab().network.box.must([
    'nft',
    '-j',
    'list',
    'counter',
    'bridge',
    'leakguard',
    name,
  ]);
  return Number(/"packets": ?(\d+)/.exec(stdout)?.[1]);
}

describe('coming up', () => {
  it('a new box lets nothing pass until both taps read, then watches; letting go restores the machine', async () => {
    const before = await machine();
    const daemon = new KeptDaemon(lab());
    expect(await flood.arrived()).toBe(0);
    await daemon.start();
    await expect.poll(() => flood.arrived(), { timeout: 5_000 }).toBeGreaterThan(0);
    expect(readFileSync(join(lab().plan.files.guardState, 'boot.nft'), 'utf8')).toContain(
      'leak_dropped drop',
    );
    await daemon.stop();
    const letGo = programArgv('daemon/main', '--release', '--runtime-dir', lab().plan.files.guardRuntime);
    await lab().network.box.must(letGo);
    expect(await machine()).toBe(before);
  });

  it('boot ruleset, then ports in the bridge, then the daemon: 0 leak frames in block mode', async () => {
    const { box } = lab().network;
    const { guardState, policy } = lab().plan.files;
    writeFileSync(join(guardState, 'state.json'), '{"version":1,"blockMode":true}\n');
    const before = await flood.arrived();
    await box.must(['nft', '-f', join(guardState, 'boot.nft')]);
    await box.ip(
      'link add br0 type bridge',
      'link set lan0 master br0',
      'link set wan0 master br0',
      'link set br0 up',
    );
    const dropped = await kernelCount('leak_dropped');
    const daemon = new KeptDaemon(lab());
    await daemon.start(readFileSync(policy, 'utf8'));
    // What the boot rules have stopped before anybody looked is on record.
    await expect
      .poll(async () => (await lab().guard.status()).ledger.unseen, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(dropped);
    await daemon.stop();
    expect((await flood.arrived()) - before).toBe(0);
  });

  it.each([
    ['a torn state file', 'state.json', '{"version":1,"bl', labPolicy],
    ['an invalid policy', 'state.json', '{"version":1,"blockMode":false}', () => 'version: 2\n'],
  ])('%s means closed, and says so', async (_case, file, content, policyText) => {
    const { guardState, guardRuntime, policy } = lab().plan.files;
    mkdirSync(guardRuntime, { recursive: true });
    writeFileSync(join(guardState, file), content);
    const before = await flood.arrived();
    writeFileSync(policy, policyText(lab().plan));
    const daemon = new KeptDaemon(lab());
    await daemon.launch();
    const status = await lab().guard.waitFor('a warning', ({ health }) => health.warnings.length > 0, 10_000);
    expect(status.health.warnings.join(' ')).toMatch(/state\.json|policy/);
    expect(status.lamp).not.toBe('green');
    await daemon.stop();
    expect((await flood.arrived()) - before).toBe(0);
  });
});

describe('a setting that somebody else changes', () => {
  type Argv = readonly [string, ...string[]];
  it.each<[string, Argv, Argv]>([
    ['an offload', ['ethtool', '-K', 'wan0', 'generic-receive-offload', 'on'], ['ethtool', '-k', 'wan0']],
    ['forwarding', ['sysctl', '-w', 'net.ipv4.ip_forward=1'], ['sysctl', 'net.ipv4.ip_forward']],
    [
      'what the bridge forwards',
      ['ip', 'link', 'set', 'br0', 'type', 'bridge', 'group_fwd_mask', '0'],
      ['ip', '-d', 'link', 'show', 'br0'],
    ],
    ['a port that is taken out', ['ip', 'link', 'set', 'lan0', 'nomaster'], ['ip', 'link', 'show', 'lan0']],
  ])('%s is put back', async (_what, change, look) => {
    const { box } = lab().network;
    const daemon = new KeptDaemon(lab());
    await daemon.start();
    const state = async (): Promise<string> =>
      (await box.must(look)).stdout.replaceAll(/qdisc \S+|state \S+|timer *\S+|\s\d+\.\d+/g, '');
    const before = await state();
    await box.must(change);
    expect(await state()).not.toBe(before);
    await expect.poll(state, { timeout: 60_000 }).toBe(before);
    await daemon.stop();
  });
});
