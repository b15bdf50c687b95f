// Checks that a real bridge in block mode lets across what networks need, and nothing that only resembles it. Judged by tcpdump at the
// other end; who is answered alone is learned by the kernel from frames that came before.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { RecentPeers } from '../../src/policy/filter/recent-peers.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { compileRuleset } from '../../src/policy/compile/nft.ts';
import { differences } from '../../src/policy/compile/readback.ts';
import {
  BROADCAST,
  CLIENT,
  ROUTER,
  address4,
  address6,
  ethernet,
  fill,
  icmp6,
  ipv4,
  ipv6,
  mac,
  u16,
} from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { FULL, LEARNED } from '../policy/policies.ts';
import type { Shape } from '../policy/shape.ts';
import { ESSENTIAL } from '../policy/shapes-essential.ts';
import { NEIGHBOURS } from '../policy/shapes-neighbours.ts';
import { shapeNamed } from '../policy/shapes.ts';
import { Wire } from './differential-wire.ts';

let wire: Wire;
let ruleset = '';

async function load(blockMode: boolean): Promise<void> {
  const box = (await wire.inBox('cat', '/sys/class/net/br0/address')).trim();
  ruleset = compileRuleset(FULL, { blockMode, learned: LEARNED, boxMacs: [box] });
  await wire.load(ruleset);
}

beforeAll(async () => {
  wire = await Wire.raise(`e${process.pid.toString(36)}`);
  await load(true);
});

afterAll(async () => {
  await wire.close();
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Names of those that arrive at the other end. */
async function crossing(shapes: readonly Shape[], direction: 'up' | 'down'): Promise<string[]> {
  const sent = shapes.filter((shape) => shape.direction === direction);
  const [from, to] = direction === 'up' ? (['lan', 'wan'] as const) : (['wan', 'lan'] as const);
  const arrived = new Set(
    await wire.arrivals(to, () =>
      wire.send(
        from,
        sent.map(({ bytes }) => bytes),
      ),
    ),
  );
  return sent.filter(({ bytes }) => arrived.has(hex(bytes))).map(({ name }) => name);
}

describe('what networks, servers and clients send', () => {
  const all = [...ESSENTIAL, ...NEIGHBOURS];

  it.each(['up', 'down'] as const)(
    'crosses %s where it is needed, and what resembles it does not',
    async (direction) => {
      await wire.forget();
      const expected = all.filter((shape) => shape.direction === direction && shape.crosses);
      expect((await crossing(all, direction)).sort()).toEqual(expected.map(({ name }) => name).sort());
    },
  );

  it('renewal of a lease by unicast crosses to its server alone', async () => {
    const renewals = ['the known server', 'another server', 'a wrong MAC'].map((to) =>
      shapeNamed(`DHCP renewal to ${to}`),
    );
    expect(await crossing(renewals, 'up')).toEqual(['DHCP renewal to the known server']);
  });
});

const SWITCH = '02:00:00:00:00:5a';
const eapol = (name: string, direction: 'up' | 'down', from: string, to: string): Shape => ({
  ...{ name, direction },
  bytes: ethernet(0x888e, [2, 0, 0, 5, direction === 'up' ? 2 : 1, 1, 0, 5, 1], { from, to }),
});
const nd = (
  type: 135 | 136,
  direction: 'up' | 'down',
  from: string,
  to: string,
  target = '2001:db8:1::50',
): Shape => ({
  ...{ name: `${type} ${from} ${to}`, direction },
  bytes: ethernet(
    0x86dd,
    ipv6(58, icmp6(type, [...fill(4, 0), ...address6(target)]), { from, to, hops: 255 }),
    direction === 'up' ? {} : { from: ROUTER, to: CLIENT },
  ),
});

describe('who speaks to the client alone is answered there', () => {
  /** One after the other: frame, whether it crosses. */
  const STORIES: readonly (readonly [string, readonly (readonly [Shape, boolean])[]])[] = [
    [
      '802.1X by unicast',
      [
        [eapol('before', 'up', CLIENT, SWITCH), false],
        [eapol('request', 'down', SWITCH, CLIENT), true],
        [eapol('response', 'up', CLIENT, SWITCH), true],
        [eapol('to another', 'up', CLIENT, '02:00:00:00:00:5b'), false],
      ],
    ],
    [
      '802.1X whose first request goes to the group',
      [
        [eapol('request', 'down', SWITCH, '01:80:c2:00:00:03'), true],
        [eapol('response', 'up', CLIENT, SWITCH), true],
      ],
    ],
    [
      '802.1X to everybody teaches nothing',
      [
        [eapol('request', 'down', SWITCH, BROADCAST), false],
        [eapol('response', 'up', CLIENT, SWITCH), false],
      ],
    ],
    [
      "solicitation from a router's global address",
      [
        [nd(136, 'up', '2001:db8:1::50', 'fd77::1'), false],
        [nd(135, 'down', 'fd77::1', '2001:db8:1::50'), true],
        [nd(136, 'up', '2001:db8:1::50', 'fd77::1'), true],
        [nd(136, 'up', '2001:db8:1::50', 'fd77::2'), false],
        [nd(135, 'up', '2001:db8:1::50', 'fd77::1', 'fd77::1'), false],
        [nd(135, 'up', '2001:db8:1::50', 'ff02::1:ff00:1', 'fd77::1'), false],
        [nd(135, 'up', '2001:db8:1::50', 'fd77::2', 'fd77::2'), false],
        // It has announced itself by its link-local address: that one may be probed.
        [nd(135, 'up', '2001:db8:1::50', 'fe80::1', 'fe80::1'), true],
      ],
    ],
    [
      'an address that the uplink makes up, stale once more: whether the client goes there stays unknown',
      [
        [nd(135, 'down', '2620:fe::119', '2001:db8:1::50'), true],
        [nd(136, 'up', '2001:db8:1::50', '2620:fe::119'), true],
        [nd(136, 'down', '2620:fe::119', '2001:db8:1::50', '2620:fe::119'), true],
        [nd(135, 'up', '2001:db8:1::50', '2620:fe::119', '2620:fe::119'), false],
        [nd(135, 'up', 'fe80::50', '2620:fe::119', '2620:fe::119'), false],
        [nd(135, 'up', '2001:db8:1::50', 'ff02::1:ff00:119', '2620:fe::119'), false],
      ],
    ],
    [
      'an address that the client has just tried is its own, in the same second',
      [
        [nd(136, 'up', 'fe80::50', 'fe80::1', 'fd77::50'), false],
        [nd(135, 'down', 'fe80::1', 'ff02::1:ff00:50', 'fd77::50'), false],
        [nd(135, 'up', '::', 'ff02::1:ff00:50', 'fd77::50'), true],
        [nd(135, 'down', 'fe80::1', 'ff02::1:ff00:50', 'fd77::50'), true],
        [nd(136, 'up', 'fd77::50', 'fe80::1', 'fd77::50'), true],
        [nd(136, 'up', 'fd77::51', 'fe80::1', 'fd77::51'), false],
      ],
    ],
    [
      'what the network tries is none of a client',
      [
        [nd(135, 'down', '::', 'ff02::1:ff00:51', 'fd77::51'), false],
        [nd(136, 'up', 'fd77::51', 'ff02::1', 'fd77::51'), false],
      ],
    ],
    [
      'who asks for what no client has is not answered either',
      [
        [nd(135, 'down', 'fd77::1', 'ff02::1:ff00:2', 'fd66::2'), false],
        [nd(136, 'up', '2001:db8:1::50', 'fd77::1'), false],
      ],
    ],
    [
      'what the client itself sends teaches nothing',
      [
        [nd(135, 'up', 'fd77::9', 'ff02::1:ff00:9'), false],
        [nd(136, 'up', '2001:db8:1::50', 'fd77::9'), false],
        [eapol('start', 'up', '02:00:00:00:00:0d', '01:80:c2:00:00:03'), true],
        [eapol('to itself', 'up', CLIENT, '02:00:00:00:00:0d'), false],
      ],
    ],
  ];

  it.each(STORIES)('%s', async (_, story) => {
    await wire.forget();
    const [judge, recentPeers] = [compileJudge(FULL, LEARNED), new RecentPeers()];
    for (const [shape, crosses] of story) {
      expect(await crossing([shape], shape.direction), shape.name).toEqual(crosses ? [shape.name] : []);
      const packet = new ParsedPacket();
      const dissector = new Dissector();
      dissector.headers(shape.bytes, 0, shape.bytes.length, shape.bytes.length, 1, packet);
      dissector.application(shape.bytes, packet, 0);
      recentPeers.recall(packet, shape.direction, 0);
      expect(judge.crosses(packet, shape.direction), shape.name).toBe(crosses);
      if (crosses) recentPeers.learn(packet, shape.direction, 0);
    }
    // What the kernel has learned is no change of the rules.
    expect(differences(await wire.listing(), ruleset)).toEqual([]);
  });

  it('a flood of them still comes down, and what the kernel holds is bounded', async () => {
    await wire.forget();
    const flood = Array.from({ length: 100 }, (_, at) =>
      eapol(`switch ${at}`, 'down', `02:00:00:01:00:${(at + 1).toString(16).padStart(2, '0')}`, CLIENT),
    );
    expect((await crossing(flood, 'down')).length).toBe(100);
    const last = eapol('the last', 'up', CLIENT, '02:00:00:01:00:64');
    const first = eapol('the first', 'up', CLIENT, '02:00:00:01:00:01');
    expect(await crossing([last, first], 'up')).toEqual(['the first']);
  });
});

describe('frames of the cable itself', () => {
  const FRAMES: readonly Shape[] = (['up', 'down'] as const).flatMap((direction) => {
    const from = direction === 'up' ? CLIENT : ROUTER;
    return [
      {
        name: `PAUSE ${direction}`,
        direction,
        bytes: ethernet(0x8808, [0, 1, 255, 255], { from, to: '01:80:c2:00:00:01' }),
      },
      {
        name: `LLDP ${direction}`,
        direction,
        bytes: ethernet(0x88cc, fill(46), { from, to: '01:80:c2:00:00:0e' }),
      },
    ];
  });

  it.each([true, false])('end at the box, block mode %s', async (blockMode) => {
    await load(blockMode);
    try {
      for (const direction of ['up', 'down'] as const) expect(await crossing(FRAMES, direction)).toEqual([]);
    } finally {
      await load(true);
    }
  });
});

describe('a client whose frames have a priority tag', () => {
  const [BOX, HOST] = ['192.168.1.2', '192.168.1.50'];
  const question = [...u16(1), ...u16(0x0800), 6, 4, ...u16(1), ...mac(CLIENT), ...address4(HOST)];

  /** The checksums are right: the box's own stack reads these. */
  function checked(header: Bytes, at: number): Bytes {
    let sum = 0;
    for (let i = 0; i < header.length; i += 2) sum += ((header[i] ?? 0) << 8) | (header[i + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    return [...header.slice(0, at), ...u16(~sum & 0xffff), ...header.slice(at + 2)];
  }

  it('reaches the box, and one with another tag does not', async () => {
    const box = (await wire.inBox('cat', '/sys/class/net/br0/address')).trim();
    await wire.inBox('ip', 'address', 'add', `${BOX}/24`, 'dev', 'br0');
    const echo = checked([8, 0, 0, 0, 0, 1, 0, 1, ...fill(20)], 2);
    const ping = ipv4(1, echo, { from: HOST, to: BOX });
    const tagged = (control: number, type: number, inside: Bytes, to: string): Uint8Array =>
      ethernet(0x8100, [...u16(control), ...u16(type), ...inside], { to });
    const asks = [...question, ...fill(6, 0), ...address4(BOX)];
    const whole = [...checked(ping.slice(0, 20), 10), ...echo];
    const answers = async (control: number): Promise<string[]> => {
      const arrived = await wire.arrivals('lan', async () => {
        await wire.send('lan', [
          tagged(control, 0x0806, asks, BROADCAST),
          tagged(control, 0x0800, whole, box),
        ]);
        // Both were counted, or answered: the box has dealt with them when it answers what is untagged.
        await wire.send('lan', [ethernet(0x0806, asks, { to: BROADCAST })]);
      });
      return arrived.filter((frame) => frame.startsWith(hex(Uint8Array.from(mac(CLIENT)))));
    };
    const [priority, other] = [await answers(0xc000), await answers(10)];
    expect(priority.filter((frame) => frame.slice(24, 28) === '0806').length).toBe(2);
    expect(priority.filter((frame) => frame.slice(24, 28) === '0800').length).toBe(1);
    expect(other.filter((frame) => frame.slice(24, 28) === '0806').length).toBe(1);
    expect(other.filter((frame) => frame.slice(24, 28) === '0800').length).toBe(0);
  });
});
