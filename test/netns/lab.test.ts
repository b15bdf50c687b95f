// The lab without a guard: is it the network it says it is, and does nothing of it stay?
//
//   laptop eth0 --veth-- lan0 [br0] wan0 --veth-- eth0 uplink

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

import { startPage } from '../../appliance/lab/machines/box.ts';
import { leaseEvents } from '../../appliance/lab/machines/laptop.ts';
import { openLab } from '../../appliance/lab/processes/handle.ts';
import { Lab, takeDown } from '../../appliance/lab/lab.ts';
import { openPage } from '../../appliance/lab/page.ts';
import { LABS_DIR, LAN, NET, type Plan, planOf, TUNNEL, WIREGUARD_DIR } from '../../appliance/lab/plan.ts';
import { must, Running } from '../../appliance/lab/processes/process.ts';
import { TOP } from '../../appliance/os/top-level.ts';
import { namespacesOf, processesOf } from '../../appliance/lab/teardown.ts';
import { labForTests, seenByUplink, seenOn, uniqueLabId } from './harness.ts';

const NAME = 'secret.example';

describe('the lab with a bare bridge', () => {
  const lab = labForTests({ filling: 'plain-bridge' });
  const dig = (...args: readonly string[]) =>
    lab().network.laptop.run(['dig', '+short', '+tries=1', '+time=2', ...args]);

  it('carries names asked inside the tunnel where the uplink sees only WireGuard', async () => {
    for (const resolver of [TUNNEL.server4, TUNNEL.otherResolver4, NET.resolver4]) {
      let answer = '';
      const clear = await seenByUplink(lab(), 'port 53', async () => {
        answer = (await dig(`@${resolver}`, NAME)).stdout;
      });
      expect(answer.trim()).toBe(NET.web4);
      expect(clear).toEqual([]);
    }
  });

  it.each([
    ['UDP over IPv4', ['-b', LAN.laptop4, `@${NET.resolver4}`, NAME], 1],
    ['UDP over IPv6', ['-b', LAN.laptop6, `@${NET.resolver6}`, NAME], 1],
    ['the resolver of the local network', [`@${LAN.router4}`, NAME], 1],
  ])('lets a name out past the tunnel, %s', async (_, args, frames) => {
    const clear = await seenByUplink(lab(), 'udp dst port 53', () => dig(...args));
    expect(clear).toHaveLength(frames);
    expect(clear[0]).toContain(NAME);
  });

  it('answers on the web inside and past the tunnel, and says from where it was asked', async () => {
    const fetch = async (...args: readonly string[]): Promise<string> =>
      (await lab().network.laptop.must(['curl', '-sS', '--max-time', '5', ...args])).stdout;
    expect(await fetch('-4', 'http://www.example/')).toContain(TUNNEL.laptop4);
    expect(await fetch('-6', '--cacert', join(lab().plan.dir, 'web.crt'), 'https://www.example/')).toContain(
      TUNNEL.laptop6,
    );
    expect(await fetch('--interface', 'eth0', `http://${NET.web4}/`)).toContain(LAN.laptop4);
  });

  it('resolves over TLS too', async () => {
    expect((await dig('+tls', `@${NET.resolver4}`, NAME)).stdout.trim()).toBe(NET.web4);
  });

  it('renews its DHCP lease by unicast, and gets a new one by broadcast', async () => {
    const handle = await openLab(lab().plan);
    const renewal = await seenByUplink(lab(), 'udp dst port 67', () => handle.renewLease());
    expect(renewal[0]).toContain(`${LAN.laptop4}.68 > ${LAN.router4}.67`);
    const fresh = await seenByUplink(lab(), 'udp dst port 67', () => handle.newLease());
    expect(fresh.some((line) => line.includes('0.0.0.0.68 > 255.255.255.255.67'))).toBe(true);
    expect(await leaseEvents(lab().plan, 'bound')).toBe(2);
  });

  it('moves its tunnel to IPv6 and back', async () => {
    const ping = () => lab().network.laptop.must(['ping', '-c', '1', '-w', '5', TUNNEL.server4]);
    const handle = await openLab(lab().plan);
    await handle.roamTunnel('ipv6');
    const frames = await seenByUplink(lab(), `ip6 and udp dst port ${NET.tunnelPort}`, ping);
    expect(frames.length).toBeGreaterThan(0);
    await handle.roamTunnel('ipv4');
    expect((await seenByUplink(lab(), `ip6 and udp port ${NET.tunnelPort}`, ping)).length).toBe(0);
  });

  it('shows the page of the box on loopback, by the way a laptop goes', async () => {
    const supervised = await startPage(lab().plan, lab().network.box);
    const { laptop, box } = lab().network;
    let answer: Response | undefined;
    const frames = await seenOn(box, 'lan0', `src ${LAN.laptop4} and tcp dst port 80`, laptop, async () => {
      const { address, server } = await openPage(lab(), 0);
      expect(new URL(address).hostname).toBe('127.0.0.1');
      answer = await fetch(address);
      server.close();
    });
    supervised.abandon();
    expect(answer?.status).toBe(200);
    expect(frames.length).toBeGreaterThan(0);
  });

  it('is refused a second owner', async () => {
    const second = await Running.start(ownerArgv(lab().plan.id));
    await second.line(/^is-up /);
    expect(await second.exited).toBe(1);
    expect(await namespacesOf(lab().plan)).toHaveLength(3);
  });
});

/** A process that raises a lab and then waits: what a test can kill. */
function ownerArgv(id: string): readonly [string, ...string[]] {
  const module = (name: string): string =>
    pathToFileURL(join(TOP, 'dist', 'appliance', 'lab', `${name}.js`)).href;
  const program = `
    import { Lab } from '${module('lab')}';
    import { planOf } from '${module('plan')}';
    Lab.raise(planOf('${id}'), { filling: 'plain-bridge' }).then(
      () => { console.log('up'); setInterval(() => {}, 1000); },
      (error) => { console.log(error.code, error.message); process.exit(1); });
  `;
  return [process.execPath, '--input-type=module', '--eval', program];
}

async function traces(plan: Plan): Promise<unknown> {
  const named = async (dir: string): Promise<string[]> =>
    (await readdir(dir).catch((): string[] => [])).filter((name) => name.includes(plan.id));
  return {
    processes: await processesOf(plan),
    namespaces: await namespacesOf(plan),
    files: [...(await named(LABS_DIR)), ...(await named(WIREGUARD_DIR)), ...(await named('/etc/netns'))],
  };
}
const NONE = { processes: [], namespaces: [], files: [] };

/** Links and rules of the machine's own namespace. */
async function machine(): Promise<string> {
  const links = await must(['ip', '-brief', 'link']);
  const rules = await must(['nft', 'list', 'ruleset']);
  return links.stdout + rules.stdout;
}

/** The reaper of the lab: it must end by itself. */
async function reaperOf(id: string): Promise<string | undefined> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (argv[1]?.endsWith('lab/processes/reap.js') === true && argv[2] === id) return pid;
  }
  return undefined;
}

describe('nothing of a lab is left', () => {
  it.each(['SIGKILL', 'SIGINT'] as const)('after %s to its owner', async (signal) => {
    const before = await machine();
    const plan = planOf(uniqueLabId());
    const owner = await Running.start(ownerArgv(plan.id));
    await owner.line(/^up$/, 30_000);
    expect(await machine()).toBe(before);
    const reaper = await reaperOf(plan.id);
    expect(reaper).toBeDefined();
    await owner.stop(signal);
    while ((await reaperOf(plan.id)) !== undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(await traces(plan)).toEqual(NONE);
    expect(await machine()).toBe(before);
  });

  it.each(['box', 'laptop'])('after it is interrupted while it builds the %s', async (where) => {
    const plan = planOf(uniqueLabId());
    const interrupt = new AbortController();
    const say = (line: string): void => {
      if (line.startsWith(where)) interrupt.abort();
    };
    const raising = Lab.raise(plan, { filling: 'plain-bridge', say, signal: interrupt.signal });
    await expect(raising).rejects.toMatchObject({ code: 'interrupted' });
    expect(await traces(plan)).toEqual(NONE);
  });

  it('after its owner is killed while it builds', async () => {
    const plan = planOf(uniqueLabId());
    const owner = await Running.start(ownerArgv(plan.id));
    while ((await namespacesOf(plan)).length === 0) await new Promise((resolve) => setImmediate(resolve));
    await owner.stop('SIGKILL');
    while ((await reaperOf(plan.id)) !== undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(await traces(plan)).toEqual(NONE);
  });

  it('after "down" from another process, which ends the owner too', async () => {
    const plan = planOf(uniqueLabId());
    const owner = await Running.start(ownerArgv(plan.id));
    await owner.line(/^up$/, 30_000);
    expect(await takeDown(plan)).toBe(true);
    await owner.exited;
    expect(await traces(plan)).toEqual(NONE);
    expect(await takeDown(plan)).toBe(false);
  });

  it('after "down" when owner and reaper were both killed', async () => {
    const plan = planOf(uniqueLabId());
    const owner = await Running.start(ownerArgv(plan.id));
    await owner.line(/^up$/, 30_000);
    process.kill(Number(await reaperOf(plan.id)), 'SIGKILL');
    await owner.stop('SIGKILL');
    expect(await traces(plan)).not.toEqual(NONE);
    expect(await takeDown(plan)).toBe(true);
    expect(await traces(plan)).toEqual(NONE);
  });
});
