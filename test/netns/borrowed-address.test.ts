// Checks that a packet which bears the address of the tunnel's server as its own, and the tunnel's form, is told by name when a client
// sends it to anybody: it is no tunnel, whoever it says it is from.

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import { ethernet, ipv4, ipv6, udp, wireguard } from '../policy/frames.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { incidentsOf } from './rule-watch.ts';

const SEND = fileURLToPath(new URL('./send-frame.mjs', import.meta.url));
const PORT = NET.tunnelPort;
const MAC = { from: LAN.laptopMac, to: LAN.routerMac };

const lab = labForTests({ filling: 'guard' });

const carried = udp(PORT, 4_433, wireguard(4));
const FORMS = [
  {
    name: 'IPv4',
    to: '203.0.113.210',
    bytes: (to: string) => ethernet(0x0800, ipv4(17, carried, { from: NET.tunnelServer4, to }), MAC),
  },
  {
    name: 'IPv6',
    to: '2001:db8:113::210',
    bytes: (to: string) => ethernet(0x86dd, ipv6(17, carried, { from: NET.tunnelServer6, to }), MAC),
  },
];

it.each(
  FORMS.flatMap((form) =>
    [false, true].map((block) => ({ ...form, block, mode: block ? 'block' : 'watch' })),
  ),
)('$name, $mode mode', async ({ to, bytes, block }) => {
  expect(LAN.laptop4).not.toBe(NET.tunnelServer4);
  await lab().guard.block(block);
  const target = block ? to.replace(/210$/, '211') : to;
  const hex = Buffer.from(bytes(target)).toString('hex');
  const seen = await seenByUplink(lab(), `host ${target}`, () =>
    lab().network.laptop.must([process.execPath, SEND, 'eth0', hex]),
  );
  expect(seen).toHaveLength(block ? 0 : 1);
  const told = async (): Promise<unknown> =>
    (await incidentsOf(lab()))
      .filter(({ destination }) => destination === target)
      .map(({ attempted, escaped, blocked }) => ({ attempted, escaped, blocked }));
  await expect
    .poll(told, { timeout: 20_000 })
    .toEqual([{ attempted: 1, escaped: block ? 0 : 1, blocked: block ? 1 : 0 }]);
});
