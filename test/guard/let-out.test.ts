// Checks that no leak vanishes, or swaps its fate, because frames of a tunnel left by rules that the kernel had before the taps. Holds
// src/guard/incidents/incidents.ts, `letOut`, and src/guard/account/rules-in-force.ts.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { Guard } from '../../src/guard/guard.ts';
import type { Observation } from '../../src/guard/observation.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Bytes } from '../policy/frames.ts';
import { ethernet, ipv4, text, u16, u32, udp, wireguard } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { CLIENT, HOME, policyOf, report } from './samples.ts';

const NEW = '203.0.113.9';
const withNew = (tunnel: string): Policy =>
  policyOf(`version: 1
profile: full-tunnel
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}
  - ${tunnel}
`);
const WIREGUARD = withNew(`{name: new, protocol: wireguard, endpoints: ["udp:${NEW}:51820"]}`);
const EXPECTED = 3_000;

/** What a tap that judges by a policy tells of the last of these packets. */
function seenBy(policy: Policy, packets: readonly Bytes[], at: number): Observation {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  for (const octets of packets) {
    const frame = ethernet(0x0800, octets);
    dissector.headers(frame, 0, frame.length, frame.length, 1, packet);
    dissector.application(frame, packet, 0);
  }
  const judge = compileJudge(policy);
  return {
    ...{ packet, direction: 'up', client: CLIENT, frames: 1, first: at, last: at, folded: false },
    ...{ verdict: judge.judge(packet, 'up'), crosses: judge.crosses(packet, 'up') },
    counter: judge.counter(packet, 'up'),
  };
}

const datagram = (port: number, payload: Bytes): Bytes => ipv4(17, udp(40_000, port, payload), { to: NEW });
const segment = (port: number, sequence: number, payload: Bytes, flags = 0x18): Bytes =>
  ipv4(
    6,
    [
      ...[...u16(40_000), ...u16(port), ...u32(sequence), ...u32(9_001), 0x50, flags],
      ...[...u16(1_000), 0, 0, 0, 0, ...payload],
    ],
    { to: NEW },
  );

interface Box {
  readonly guard: Guard;
  readonly clock: { ms: number };
  readonly tell: (port: 'lan' | 'wan', seen: readonly Observation[], orders: number) => void;
}

/** Block mode has stood for a while; then `change` changes the rules. */
function box(policy: Policy, change: (guard: Guard) => void): Box {
  const clock = { ms: 1_000 };
  const now = (): { wall: number; monotonic: number } => ({ wall: 1.7e12 + clock.ms, monotonic: clock.ms });
  const guard = new Guard(policy, { now, version: '0', idPrefix: 't' });
  const tell = (port: 'lan' | 'wan', seen: readonly Observation[], orders: number): void => {
    guard.report(report(port, seen, { at: clock.ms, orders, drained: true }));
  };
  for (const port of ['lan', 'wan'] as const) guard.tap(port, 'up', 'reading');
  guard.expectPolicy(policy, NOTHING_LEARNED);
  guard.ordered(1);
  guard.setBlockMode(true, true, 1_000);
  guard.firewall({ verified: true, detail: 'equal' });
  clock.ms = 2_000;
  for (const port of ['lan', 'wan'] as const) tell(port, [], 1);
  clock.ms = EXPECTED;
  change(guard);
  return { guard, clock, tell };
}

function add(policy: Policy): (guard: Guard) => void {
  return (guard) => {
    guard.expectPolicy(policy, NOTHING_LEARNED);
    guard.setPolicy(policy);
    guard.ordered(3);
  };
}

function settle({ guard, clock, tell }: Box): void {
  clock.ms += 700;
  for (const port of ['lan', 'wan'] as const) tell(port, [], 3);
  guard.tick();
}

describe('a datagram to the new server that is none of the tunnel, which the kernel has stopped within 5 ms of the first that is', () => {
  it.each([
    ['the lan tap judges by the new rules already', true],
    ['both taps judge by those before', false],
  ])('is on record as stopped, and the other is not: %s', (_what, lanObeys) => {
    const of = box(HOME, add(WIREGUARD));
    const at = EXPECTED + 50;
    const secret = [datagram(51_820, text('where the list of names is'))];
    const first = [datagram(51_820, wireguard(1))];
    of.clock.ms = at + 10;
    const stopped = seenBy(lanObeys ? WIREGUARD : HOME, secret, at);
    of.tell('lan', lanObeys ? [stopped] : [stopped, seenBy(HOME, first, at)], lanObeys ? 3 : 1);
    of.tell('wan', [seenBy(HOME, first, at)], 1);
    settle(of);
    const { incidents } = of.guard.status();
    expect(incidents.find(({ kind }) => kind === 'udp')).toMatchObject({
      ...{ attempted: 1, escaped: 0, blocked: 1, acknowledged: false },
    });
    expect(incidents.filter(({ kind, blocked }) => kind === 'wireguard' && blocked > 0)).toEqual([]);
  });
});

/** To where a name that the tunnel's server has is answered by the network: rules learn it before the taps. */
const LEARNED: LearnedState = {
  ...NOTHING_LEARNED,
  addresses: [{ name: 'exit.example', address: NEW, seconds: 3_600 }],
};
const NAMED = withNew('{name: new, protocol: opaque, endpoints: ["tcp:exit.example:443"]}');
const TOR = withNew(`{name: new, protocol: tor, endpoints: ["tcp:${NEW}:443"]}`);

describe("a browser's hello for a protected name that left to where a tunnel over TCP has just been put", () => {
  it.each([
    ['an onion router that was added', HOME, add(TOR), compileJudge(TOR)],
    [
      'an opaque server whose name the network has just answered with that address',
      ...([
        NAMED,
        (guard: Guard) => {
          guard.learned(LEARNED, 3);
        },
        compileJudge(NAMED, LEARNED),
      ] as const),
    ],
  ] as const)('is an escape on record: %s', (_what, before, change, after) => {
    const of = box(before, change);
    const at = EXPECTED + 50;
    const hello = clientHello('www.bank.example', 'h2');
    const seen = seenBy(before, [segment(443, 1_000, [], 2), segment(443, 1_001, hello)], at);
    // The kernel compares less than the taps: README.md, What a filter cannot compare, says that it crosses, and is a leak.
    expect(after.crosses(seen.packet, 'up')).toBe(true);
    of.clock.ms = at + 10;
    of.tell('lan', [seen], 1);
    of.tell('wan', [seen], 1);
    settle(of);
    const { ledger, incidents } = of.guard.status();
    expect(ledger).toMatchObject({ attempted: 1, escaped: 1 });
    expect(incidents[0]).toMatchObject({ exposure: 'www.bank.example', escaped: 1, acknowledged: false });
  });
});
