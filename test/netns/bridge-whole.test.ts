// Checks that a bridge which is not whole is told as blind and never as clear, is put back where the box can, and told; and that its table
// of addresses is small whatever is sent, and keeps what devices say to each other off wan. The judges are the LED's file, the bridge's own
// table and a capture on the uplink.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NET, TUNNEL } from '../../appliance/lab/plan.ts';
import type { Outcome, Running } from '../../appliance/lab/processes/process.ts';
import type { Status } from '../../src/api/status.ts';
import { labForTests, seenOn } from './harness.ts';
import { becomesGreen, turnsRed } from './light-watch.ts';

const SENDER = fileURLToPath(new URL('./mac-sender.mjs', import.meta.url));
const lab = labForTests({ filling: 'guard' });
let running: Running[] = [];

beforeAll(async () => {
  const { laptop } = lab().network;
  await lab().guard.block(true);
  // The tunnel in use, and a program that asks to be let past it four times a second.
  running = await Promise.all([
    laptop.start(['ping', '-i', '0.2', TUNNEL.server4]),
    laptop.start(['ping', '-i', '0.25', '-I', 'eth0', NET.web4]),
  ]);
});
afterAll(() => Promise.all(running.map((one) => one.stop())));

const box = (line: string): Promise<Outcome> => lab().network.box.must(['sh', '-c', line]);

/** Put back by the box itself, where there is no second word. */
const CHANGES: readonly (readonly [what: string, change: string, back?: string])[] = [
  ['wan is down', 'ip link set wan0 down'],
  ['lan is down', 'ip link set lan0 down'],
  ['the bridge is down', 'ip link set br0 down'],
  ['wan is taken out', 'ip link set wan0 nomaster'],
  ['lan is taken out', 'ip link set lan0 nomaster'],
  ['lan is isolated', 'bridge link set dev lan0 isolated on'],
  ['wan teaches the bridge', 'bridge link set dev wan0 learning on'],
  ['lan teaches it nothing', 'bridge link set dev lan0 learning off'],
  ['nothing is flooded to wan', 'bridge link set dev wan0 flood off'],
  ['broadcasts do not leave lan', 'bridge link set dev lan0 bcast_flood off'],
  ['multicast is not flooded', 'bridge link set dev wan0 mcast_flood off'],
  ['neighbours are answered for', 'bridge link set dev lan0 neigh_suppress on'],
  ['a port is blocked', 'bridge link set dev lan0 state 0'],
  ['a spanning tree is elected', 'ip link set br0 type bridge stp_state 1'],
  ['wan has another name', 'ip link set wan0 name wan9', 'ip link set wan9 name wan0'],
  [
    'a third port',
    'ip link add cl0 type veth peer name cl1 && ip link set cl0 master br0',
    'ip link del cl0',
  ],
  ['a filter at lan', 'tc qdisc add dev lan0 clsact', 'tc qdisc del dev lan0 clsact'],
  // The box has a filter of its own there, in which its forged leaks end.
  ...(['ingress', 'egress'] as const).map((side): readonly [string, string, string] => [
    `another filter at wan, ${side}`,
    `tc filter add dev wan0 ${side} pref 7 protocol all u32 match u32 0 0 at 12 action mirred egress redirect dev lo`,
    `tc filter del dev wan0 ${side} pref 7`,
  ]),
];

describe('while it is not whole the light is red, and afterwards nothing is called a breach', () => {
  it.each(CHANGES.map(([what, change, back = '']) => [what, change, back] as const))(
    '%s',
    async (_what, change, back) => {
      await becomesGreen(lab());
      const isSeen = ({ state, why }: Status): boolean =>
        state === 'blind' && /bridge is not whole|tap on/.test(why);
      const blind = lab().guard.waitFor('a bridge that is not whole', isSeen, 5_000);
      let breaches = 0;
      await turnsRed(lab(), () => box(change));
      await blind;
      if (back !== '') {
        expect(await lab().guard.breaks(({ state }) => state === 'blind', 1_500)).toBeUndefined();
        await box(back);
      }
      const status = await lab().guard.waitFor(
        'a bridge that is whole',
        ({ state }) => {
          breaches += Number(state === 'breach');
          return !['blind', 'starting'].includes(state);
        },
        30_000,
      );
      const told = status.health.warnings.join(' ');
      if (back === '') expect(told).toContain('has been restored');
      expect(await lab().guard.breaks(({ state }) => state !== 'breach', 2_000)).toBeUndefined();
      expect(breaches).toBe(0);
    },
  );
});

describe('its table of addresses', () => {
  const size = async (): Promise<number> => {
    const { stdout } = await box('wc -c < /sys/class/net/br0/brforward');
    return Number(stdout) / 16;
  };

  it.each([
    ['uplink', 'eth0'],
    ['laptop', 'eth0'],
  ] as const)(
    'is small again right after 40,000 addresses from the %s, and the box guards on',
    async (from, device) => {
      await lab().network[from].must([process.execPath, SENDER, device, '40000']);
      await expect.poll(size, { timeout: 10_000 }).toBeLessThan(300);
      await becomesGreen(lab());
    },
  );

  it('keeps what two devices behind one switch say to each other off wan', async () => {
    const [one, other, nobody] = ['02:00:00:00:aa:01', '02:00:00:00:aa:02', '02:00:00:00:aa:03'];
    const { laptop, uplink } = lab().network;
    const say = (from: string, to: string): Promise<unknown> =>
      laptop.must([process.execPath, SENDER, 'eth0', 'frame', from, to]);
    // The flood before has passed.
    const learning = async (): Promise<string> =>
      (await box('cat /sys/class/net/lan0/brport/learning')).stdout.trim();
    await expect.poll(learning, { timeout: 15_000 }).toBe('1');
    // In watch mode, where no rule stops them.
    await lab().guard.block(false);
    const seen = await seenOn(uplink, 'eth0', `ether src ${one}`, laptop, async () => {
      // Each speaks once to all, as a device does that comes onto a network; what goes to nobody is flooded, and is the control.
      await say(other, 'ff:ff:ff:ff:ff:ff');
      for (let n = 0; n < 5; n += 1) await say(one, other);
      await say(one, nobody);
    });
    expect(seen).toHaveLength(1);
  });

  it('is taught nothing by wan, and forgets within seconds what lan taught', async () => {
    const { uplink, laptop } = lab().network;
    const known = async (address: string): Promise<boolean> =>
      (await box('bridge fdb show br br0')).stdout.includes(address);
    const [above, below] = ['02:00:00:00:bb:01', '02:00:00:00:bb:02'];
    await uplink.must([process.execPath, SENDER, 'eth0', 'frame', above, 'ff:ff:ff:ff:ff:ff']);
    await laptop.must([process.execPath, SENDER, 'eth0', 'frame', below, 'ff:ff:ff:ff:ff:ff']);
    expect([await known(above), await known(below)]).toEqual([false, true]);
    await expect.poll(() => known(below), { timeout: 15_000 }).toBe(false);
  });
});
