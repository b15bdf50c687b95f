// Checks that no answer on the wire makes a tunnel's server of an address that serves something else. Holds
// src/guard/answers/other-uses.ts.

import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/wire/ip/address.ts';
import type { DnsAnswer } from '../../../src/wire/names/dns-answers.ts';
import { Learner } from '../../../src/guard/answers/learner.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { ethernet, ipv4, udp } from '../../policy/frames.ts';
import { leak, observation, policyOf, report } from '../samples.ts';

const NONE = policyOf('version: 1\ntunnels: []\n');
const POLICY = policyOf(`version: 1
profile: full-tunnel
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:vpn.example:51820"]}
`);
const RANDOM = policyOf(`version: 1
profile: full-tunnel
tunnels:
  - {name: home, protocol: openvpn, endpoints: ["udp:*.vpn.example:1194"]}
`);
const a = (name: string, value: string, ttl = 300): DnsAnswer => ({ name, type: 'A', value, ttl });
const asks = (name: string) => report('lan', [observation({ names: [name] })]);
const answered = (name: string, ...list: DnsAnswer[]) =>
  report('wan', [observation({ direction: 'down', names: name === '' ? [] : [name], answers: list })]);
const SHOP = '203.0.113.80';
function visit(name: string) {
  const seen = observation({
    kind: 'tls',
    verdict: leak(SHOP, { rule: 'E' }),
    names: name === '' ? [] : [name],
  });
  Object.assign(seen.packet, { ipVersion: 4, protocol: 6, destinationPort: 443 });
  seen.packet.destination.set(parseAddress(SHOP)?.words ?? []);
  return report('lan', [seen]);
}
const has = (pupil: Learner, at: number) => pupil.state(at).addresses.some(({ address }) => address === SHOP);

describe('other uses', () => {
  // Nobody asked for the first; it must not move the visited address into the group of answers, as the oldest of it.
  it.each([
    ['lot', [answered('x.example', a('x.example', SHOP))]],
    ['lot of other addresses', []],
  ])('a visit is not forgotten because the uplink answers a %s', (_how, first) => {
    const pupil = new Learner();
    pupil.setPolicy(POLICY);
    pupil.observe(visit('www.shop.example'), 0);
    pupil.observe(asks('vpn.example'), 1);
    for (const one of first) pupil.observe(one, 2);
    for (let n = 0; n < 4_200; n += 1)
      pupil.observe(
        answered(
          'x.example',
          a('x.example', `100.${String(64 + (n >> 16))}.${String((n >> 8) & 255)}.${String(n & 255)}`),
        ),
        3,
      );
    pupil.observe(answered('vpn.example', a('vpn.example', SHOP)), 4);
    expect(has(pupil, 4)).toBe(false);
  });

  it('a tunnel whose client asks below random labels may be named afterwards', () => {
    const pupil = new Learner();
    pupil.setPolicy(NONE);
    for (let n = 0; n < 9; n += 1) {
      const name = `00000000000${n.toString(16)}.vpn.example`;
      pupil.observe(asks(name), n * 5_000);
      pupil.observe(answered(name, a(name, SHOP)), n * 5_000 + 20);
    }
    pupil.setPolicy(RANDOM);
    const name = 'aabbccddeeff.vpn.example';
    pupil.observe(asks(name), 60_000);
    pupil.observe(answered(name, a(name, SHOP)), 60_020);
    expect(has(pupil, 60_020)).toBe(true);
  });

  it('an answer that also says that the tunnel leads to the name asked for is an answer for that name', () => {
    const pupil = new Learner();
    pupil.setPolicy(POLICY);
    // Long ago.
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answered('vpn.example', a('vpn.example', '198.51.100.9')), 20);
    pupil.observe(asks('www.shop.example'), 600_000);
    const extra: DnsAnswer = { name: 'vpn.example', type: 'CNAME', value: 'www.shop.example', ttl: 5 };
    pupil.observe(answered('www.shop.example', a('www.shop.example', SHOP), extra), 600_020);
    pupil.observe(asks('vpn.example'), 700_000);
    pupil.observe(answered('vpn.example', a('vpn.example', SHOP)), 700_020);
    expect(has(pupil, 700_020)).toBe(false);
  });

  it('a question section that names the tunnel first does not make a shop of the tunnel', () => {
    const pupil = new Learner();
    pupil.setPolicy(POLICY);
    pupil.observe(asks('www.shop.example'), 0);
    const seen = observation({
      direction: 'down',
      names: ['vpn.example', 'www.shop.example'],
      answers: [
        { name: 'vpn.example', type: 'CNAME', value: 'www.shop.example', ttl: 5 },
        a('www.shop.example', SHOP),
      ],
    });
    pupil.observe(report('wan', [seen]), 20);
    pupil.observe(asks('vpn.example'), 30);
    pupil.observe(answered('vpn.example', a('vpn.example', SHOP)), 50);
    expect(has(pupil, 50)).toBe(false);
  });

  it('the same, read from bytes: two questions, the tunnel first', () => {
    const wire = (name: string) => [
      ...name.split('.').flatMap((l) => [l.length, ...new TextEncoder().encode(l)]),
      0,
    ];
    const message = [
      ...[0x12, 0x34, 0x81, 0x80, 0, 2, 0, 2, 0, 0, 0, 0],
      ...[...wire('vpn.example'), 0, 1, 0, 1],
      ...[...wire('www.shop.example'), 0, 1, 0, 1],
      ...[
        ...wire('vpn.example'),
        0,
        5,
        0,
        1,
        0,
        0,
        0,
        60,
        0,
        wire('www.shop.example').length,
        ...wire('www.shop.example'),
      ],
      ...[...wire('www.shop.example'), 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 80],
    ];
    const frame = Uint8Array.from(ethernet(0x0800, ipv4(17, udp(53, 40_000, message), { to: '192.0.2.5' })));
    const packet = new ParsedPacket();
    const dissector = new Dissector();
    dissector.headers(frame, 0, frame.length, frame.length, 1, packet);
    dissector.application(frame, packet, 0, 'down');
    expect(packet.kind).toBe('dns');
    expect(packet.findings.names.map(({ name }) => name)[0]).toBe('vpn.example');
    const pupil = new Learner();
    pupil.setPolicy(POLICY);
    pupil.observe(report('wan', [{ ...observation({ direction: 'down' }), packet }]), 20);
    pupil.observe(asks('vpn.example'), 30);
    pupil.observe(answered('vpn.example', a('vpn.example', SHOP)), 50);
    expect(has(pupil, 50)).toBe(false);
  });
});
