// Which leak is a tunnel's own first packet to where its name has just led, and that no other is. Holds src/guard/answers/first-packets.ts.

import { describe, expect, it } from 'vitest';
import { FirstPackets } from '../../../src/guard/answers/first-packets.ts';
import type { Resolutions } from '../../../src/guard/answers/first-packets.ts';
import type { Observation } from '../../../src/guard/observation.ts';
import { leak, observation, policyOf } from '../samples.ts';

const POLICY = policyOf(`version: 1
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:vpn.example:51820"]}
  - {name: ike, protocol: ipsec, endpoints: ["udp:ike.example:500"]}
`);
const SERVER = 0xc6336409;

interface Sample {
  readonly address?: number;
  readonly port?: number;
  readonly protocol?: number;
  readonly head?: number;
  readonly length?: number;
  readonly rule?: 'A' | 'E' | 'F';
  readonly direction?: 'up' | 'down';
  readonly folded?: boolean;
}

/** A handshake of WireGuard to the server, as judges without its address take it, but for what a test changes. */
function octets(sample: Sample = {}): Observation {
  const { address = SERVER, port = 51_820, protocol = 17, head = 0x01000000, length = 156 } = sample;
  const { rule = 'E', direction = 'up', folded = false } = sample;
  const seen = observation({ kind: 'wireguard', verdict: leak('198.51.100.9', { rule }), direction, folded });
  Object.assign(seen.packet, { ipVersion: 4, protocol, destinationPort: port, payloadHead: head });
  Object.assign(seen.packet, { udpLength: length, ipLength: 20 + length, malformed: undefined });
  seen.packet.destination.set([0, 0, 0xffff, address]);
  return seen;
}

/** What is known changes while a test runs. */
function world(): { first: FirstPackets; known: { led: boolean; asked: boolean; isLed: boolean } } {
  const known = { led: false, asked: false, isLed: false };
  const leads: Resolutions = {
    led: (name, address) => known.led && name === 'vpn.example' && address === '198.51.100.9',
    asked: () => known.asked,
    isLedBetween: (name) => known.isLed && name === 'ike.example',
  };
  const first = new FirstPackets(leads);
  first.setPolicy(POLICY);
  return { first, known };
}

describe('FirstPackets', () => {
  it('tells the first packet to where the name has led in amber, by that name', () => {
    const { first, known } = world();
    known.led = true;
    const told = first.take('lan', octets(), 0);
    expect(told?.verdict).toMatchObject({
      verdict: 'leak',
      rule: 'E',
      severity: 'amber',
      exposure: 'vpn.example',
    });
  });

  it.each<[string, Sample]>([
    ['another address', { address: SERVER + 1 }],
    ['another port', { port: 51_821 }],
    ['another transport', { protocol: 6 }],
    ['other bytes', { head: 0x47455420 }],
    ['another length', { length: 157 }],
    ['another rule', { rule: 'A' }],
    ['the other way', { direction: 'down' }],
    ['what stands for many', { folded: true }],
  ])('tells %s as it is', (_case, sample) => {
    const { first, known } = world();
    known.led = true;
    const seen = octets(sample);
    expect(first.take('lan', seen, 0)).toBe(seen);
    expect(first.due(1_000)).toEqual([]);
  });

  it('waits for the answer that the other tap tells of, and not for long', () => {
    const { first, known } = world();
    const seen = octets();
    expect(first.take('lan', seen, 0)).toBe(seen);
    known.asked = true;
    expect(first.take('lan', seen, 0)).toBeUndefined();
    expect(first.due(50)).toEqual([]);
    known.led = true;
    expect(first.due(60).map(({ observation: told }) => told.verdict.severity)).toEqual(['amber']);
    expect(first.due(1_000)).toEqual([]);
    known.led = false;
    expect(first.take('wan', seen, 2_000)).toBeUndefined();
    expect(first.due(2_100)).toMatchObject([{ port: 'wan', observation: { verdict: { severity: 'red' } } }]);
  });

  it('holds a bounded number back', () => {
    const { first, known } = world();
    known.asked = true;
    const held = Array.from({ length: 1_000 }, () => first.take('lan', octets(), 0));
    expect(held.filter((told) => told === undefined).length).toBeLessThan(100);
    expect(first.due(1_000).length).toBeLessThan(100);
  });

  it('explains frames that nobody looked at while an address was learned, of that kind alone', () => {
    const { first, known } = world();
    expect(first.unlooked('up_leak_ipsec', 0, 1_000)).toBeUndefined();
    known.isLed = true;
    expect(first.unlooked('up_leak_dns', 0, 1_000)).toBeUndefined();
    expect(first.unlooked('up_leak_udp', 0, 1_000)).toBeUndefined();
    expect(first.unlooked('up_leak_ipsec', 0, 1_000)).toBe('ike.example');
  });
});
