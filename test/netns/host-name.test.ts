// Checks that an endpoint given by name opens exactly one hole in block mode, and that its answer opens the tunnel. Holds endpoints by host
// name to real questions and a real tunnel.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  await lab().guard.block(true);
  const policy = labPolicy(lab().plan).replace(
    /endpoints: .*/,
    `endpoints: ["udp:${NET.tunnelName}:${String(NET.tunnelPort)}"]`,
  );
  expect(await daemon.putPolicy(policy)).toBe(200);
  await daemon.watching();
});
afterAll(() => daemon.stop());

async function tunnelCarries(): Promise<boolean> {
  return (await lab().network.laptop.run(['ping', '-c', '1', '-W', '1', TUNNEL.server4])).code === 0;
}

/** Frames of a question that reached the uplink. */
async function crossed(...question: readonly string[]): Promise<number> {
  const words = ['dig', '+tries=1', '+time=1', '-b', LAN.laptop4, ...question];
  const seen = await seenByUplink(lab(), `src host ${LAN.laptop4} and port 53`, () =>
    lab().network.laptop.run(['dig', ...words.slice(1)]),
  );
  return seen.length;
}

describe('an endpoint given by name', () => {
  it('is closed as long as nobody has asked for it', async () => {
    expect(await tunnelCarries()).toBe(false);
  });

  it.each([
    ['another name', ['@203.0.113.53', 'bank.example']],
    ['a name below it', ['@203.0.113.53', `x.${NET.tunnelName}`]],
    ['a name that begins with it', ['@203.0.113.53', `${NET.tunnelName}.evil.example`]],
    ['it, over TCP', ['+tcp', '@203.0.113.53', NET.tunnelName]],
    ['it, from another port', ['-p', '5353', '@203.0.113.53', NET.tunnelName]],
  ])('%s is not asked', async (_case, question) => {
    expect(await crossed(...question)).toBe(0);
    expect(await tunnelCarries()).toBe(false);
  });

  it('its own question passes, in any mixture of cases, and the answer opens the tunnel', async () => {
    expect(await crossed('@203.0.113.53', 'VpN.eXaMpLe')).toBe(1);
    await expect.poll(tunnelCarries, { timeout: 15_000 }).toBe(true);
    expect(await crossed('@203.0.113.53', 'bank.example')).toBe(0);
  });

  it('stays open over a kill of the daemon', async () => {
    daemon.kill('daemon');
    await daemon.watching();
    expect(await tunnelCarries()).toBe(true);
  });
});
