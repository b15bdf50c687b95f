// Checks that nothing the network says once parts the laptop from it in block mode for longer than it says so. Holds
// src/guard/attacks/neighbourhood.ts, with real frames.

import { describe, expect, test } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { Learner } from '../../src/guard/answers/learner.ts';
import type { Observation } from '../../src/guard/observation.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { CLIENT, HOME, report } from './samples.ts';

const [DISCOVER, OFFER, REQUEST, ACK] = [1, 2, 3, 5];
const XID = 0xdead_beef;
const [OWN, ROUTER, STRANGER] = ['192.168.1.50', '192.168.1.1', '192.168.1.252'];

interface Reply {
  readonly address: string;
  readonly router: string;
  readonly seconds?: number;
}

function dhcp(type: number, id: number, reply?: Reply): Uint8Array {
  const said: Bytes =
    reply === undefined
      ? []
      : [
          ...[54, 4, ...made.address4(reply.router), 51, 4, ...made.u32(reply.seconds ?? 86_400)],
          ...[1, 4, 255, 255, 255, 0, 3, 4, ...made.address4(reply.router)],
        ];
  const message: Bytes = [
    ...[reply === undefined ? 1 : 2, 1, 6, 0, ...made.u32(id), ...made.fill(8, 0)],
    ...made.address4(reply?.address ?? '0.0.0.0'),
    ...[...made.fill(8, 0), ...made.mac(made.CLIENT), ...made.fill(202, 0), 0x63, 0x82, 0x53, 0x63],
    ...[53, 1, type, ...said, 255],
  ];
  const [from, to] = reply === undefined ? [68, 67] : [67, 68];
  const ip = { from: reply?.router ?? '0.0.0.0', to: '255.255.255.255' };
  const link = { from: reply === undefined ? made.CLIENT : made.ROUTER, to: made.BROADCAST };
  return made.ethernet(0x0800, made.ipv4(17, made.udp(from, to, message), ip), link);
}

const arpRequest = (sender: string, target: string): Uint8Array =>
  made.ethernet(
    0x0806,
    [
      ...[0, 1, 8, 0, 6, 4, 0, 1, ...made.mac(made.CLIENT), ...made.address4(sender)],
      ...[...made.fill(6, 0), ...made.address4(target)],
    ],
    { to: made.BROADCAST },
  );

function seen(
  bytes: Uint8Array,
  direction: 'up' | 'down',
  at: number,
  learned = NOTHING_LEARNED,
): Observation {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  const judge = compileJudge(HOME, learned);
  dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
  dissector.application(bytes, packet, at * 1_000, direction);
  return {
    ...{ packet, direction, client: CLIENT, frames: 1, first: at, last: at, folded: false },
    ...{ verdict: judge.judge(packet, direction), crosses: judge.crosses(packet, direction) },
    counter: judge.counter(packet, direction),
  };
}

/** What the taps tell, one after the other: on lan what goes up, on wan what comes down. */
function network(said: readonly (readonly ['up' | 'down', number, Uint8Array])[]): Learner {
  const learner = new Learner();
  learner.setPolicy(HOME);
  for (const [direction, at, bytes] of said)
    learner.observe(report(direction === 'up' ? 'lan' : 'wan', [seen(bytes, direction, at)], { at }), at);
  return learner;
}

/** Whether block mode lets the laptop look for its gateway. */
function findsGateway(learner: Learner, at: number): boolean {
  const learned = { ...NOTHING_LEARNED, ...learner.state(at) };
  return seen(arpRequest(OWN, ROUTER), 'up', at, learned).crosses;
}

const right: Reply = { address: OWN, router: ROUTER };
const DORA = [
  ['up', 1_000, dhcp(DISCOVER, XID)],
  ['down', 1_010, dhcp(OFFER, XID, right)],
  ['up', 1_020, dhcp(REQUEST, XID)],
  ['down', 1_030, dhcp(ACK, XID, right)],
] as const;

test('without an attack the laptop finds its gateway', () => {
  expect(findsGateway(network(DORA), 2_000)).toBe(true);
});

describe('an acknowledgement that answers a DISCOVER, which no client listens to, is not taken', () => {
  const [discover, ...rest] = DORA;
  const forged = ['down', 1_005, dhcp(ACK, XID, { address: STRANGER, router: STRANGER })] as const;
  test('the lease that the laptop then gets is learned', () => {
    const learner = network([discover, forged, ...rest]);
    expect(learner.state(2_000).own.map(({ address }) => address)).toEqual([OWN]);
    expect(findsGateway(learner, 2_000)).toBe(true);
  });
  test('and when it renews it with the same number', () => {
    const learner = network([
      ...[discover, forged, ...rest],
      ['up', 3_600_000, dhcp(REQUEST, XID)],
      ['down', 3_600_010, dhcp(ACK, XID, right)],
    ]);
    expect(findsGateway(learner, 3_601_000)).toBe(true);
  });
});

test('a second acknowledgement of the same address with another gateway does not replace the first', () => {
  const forged = ['down', 1_031, dhcp(ACK, XID, { address: OWN, router: STRANGER })] as const;
  const learner = network([...DORA, forged]);
  expect(learner.state(2_000).neighbours.map(({ address }) => address)).toContain(ROUTER);
  expect(findsGateway(learner, 2_000)).toBe(true);
});

test('advertisements of made-up routers do not push out the real one', () => {
  const checksum = [0, 0];
  const advertisement = (router: string): Uint8Array =>
    made.ethernet(
      0x86dd,
      made.ipv6(58, [134, 0, ...checksum, 64, 0, ...made.u16(1_800), ...made.fill(8, 0)], {
        ...{ from: router, to: 'ff02::1', hops: 255 },
      }),
      { from: made.ROUTER, to: '33:33:00:00:00:01' },
    );
  const routers = (learner: Learner): string[] =>
    learner.state(300_000).neighbours.map(({ address }) => address);
  const real = ['down', 1_000, advertisement('fe80::1')] as const;
  expect(routers(network([real]))).toContain('fe80::1');
  const forged = Array.from(
    { length: 8 },
    (_, n) => ['down', 2_000 + n, advertisement(`fe80::bad:${String(n + 1)}`)] as const,
  );
  const hears = (learner: Learner): boolean => {
    const solicitation = made.ethernet(
      0x86dd,
      made.ipv6(58, [135, 0, 0, 0, 0, 0, 0, 0, ...made.address6('fe80::1'), 1, 1, ...made.mac(made.CLIENT)], {
        ...{ from: 'fe80::50', to: 'ff02::1:ff00:1', hops: 255 },
      }),
      { to: '33:33:ff:00:00:01' },
    );
    return seen(solicitation, 'up', 300_000, { ...NOTHING_LEARNED, ...learner.state(300_000) }).crosses;
  };
  expect(hears(network([real]))).toBe(true);
  expect(hears(network([real, ...forged]))).toBe(true);
});
