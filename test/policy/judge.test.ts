// What the judge says of whole frames read from bytes: verdict, rule, reason, counter. Rules by kind and profile: rules.test.ts. Agreement
// with the kernel: test/netns/differential.test.ts.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import type { Judge } from '../../src/policy/judge.ts';
import type { CaptureDirection } from '../../src/policy/verdict.ts';
import { BARE, FULL, IKE_STREAMS, LEARNED, PASSING, SPLIT, STUB, STUB_SHUT, policyOf } from './policies.ts';
import { SHAPES, shapeNamed } from './shapes.ts';
import { FOREIGN, IKE_OVER_TCP, TUNNELS } from './shapes-tunnels.ts';

function factsOf(bytes: Uint8Array): ParsedPacket {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return packet;
}

function said(judge: Judge, name: string, direction?: CaptureDirection): string {
  const shape = shapeNamed(name);
  const { verdict, rule } = judge.judge(factsOf(shape.bytes), direction ?? shape.direction);
  return rule === undefined ? verdict : `${verdict} ${rule}`;
}

const full = compileJudge(FULL, LEARNED);

describe('a tunnel packet', () => {
  it.each(TUNNELS.map(({ name }) => name))('is the tunnel: %s', (name) => {
    const { bytes, direction } = shapeNamed(name);
    const packet = factsOf(bytes);
    expect(full.tunnelOf(packet, direction)).toBeGreaterThanOrEqual(0);
    expect(full.tunnelOf(packet, 'either')).toBe(full.tunnelOf(packet, direction));
    expect(full.judge(packet, direction).verdict).toBe('tunnel');
    expect(full.crosses(packet, direction)).toBe(true);
  });

  it('belongs to its endpoint', () => {
    const index = full.tunnelOf(factsOf(shapeNamed('openvpn tcp').bytes), 'up');
    expect(full.endpoints[index]?.text).toBe('tcp:198.51.100.8:443');
    const learned = full.tunnelOf(factsOf(shapeNamed('wireguard to a learned address').bytes), 'up');
    expect(full.endpoints[learned]?.text).toBe('udp:vpn.example.com:51820');
  });

  it('the other way round is none', () => {
    expect(full.tunnelOf(factsOf(shapeNamed('wireguard message 4').bytes), 'down')).toBe(-1);
  });
});

describe('what is none', () => {
  it.each(FOREIGN.map(({ name }) => name))('is a leak: %s', (name) => {
    const { bytes, direction } = shapeNamed(name);
    expect(full.tunnelOf(factsOf(bytes), 'either')).toBe(-1);
    expect(full.judge(factsOf(bytes), direction).verdict).toBe('leak');
  });

  it.each([
    ['DNS to the tunnel server on its port', 'leak F'],
    ['DNS to the OpenVPN server on its port', 'leak F'],
    ['DNS to the IPsec server on 4500', 'leak F'],
    ['text to the tunnel port', 'leak F'],
    ['wireguard with bytes behind it', 'leak F'],
    ['IPv4 that says it is longer than the datagram', 'leak F'],
    ['DNS to the tunnel server on port 53', 'leak A'],
    ['wireguard from a wrong host', 'leak E'],
    ['VLAN with the tunnel inside', 'leak E'],
    ['SNAP with the tunnel inside', 'leak E'],
  ])('%s: %s', (name, expected) => {
    expect(said(full, name)).toBe(expected);
  });
});

describe('IKE over TCP', () => {
  const judge = compileJudge(IKE_STREAMS, LEARNED);
  const servers = [
    '198.51.100.13 and port 443',
    '198.51.100.9 and port 4500',
    '198.51.100.77 and port 4700',
    '2001:db8::13 and port 4500',
  ];
  /** A question is found where a stream begins with it (test/flow/streams/first-bytes.test.ts), and the answer's way is not looked at. */
  const own = /^(ike over tcp|a DNS query)/;

  it.each(IKE_OVER_TCP.map(({ name }) => name))('%s', (name) => {
    const { bytes, direction } = shapeNamed(name);
    const isServer = servers.some((server) => name.endsWith(server));
    const expected = !isServer ? 'other' : own.test(name) ? 'tunnel' : 'leak F';
    const found = said(judge, name);
    expect(found === 'tunnel' || found === 'leak F' ? found : 'other').toBe(expected);
    expect(judge.crosses(factsOf(bytes), direction)).toBe(expected === 'tunnel');
  });

  it('opens no ESP, and no port over UDP, where it alone is named', () => {
    const alone = compileJudge(
      policyOf('version: 1\ntunnels: [{name: a, protocol: ipsec, endpoints: ["tcp:198.51.100.9:4500"]}]\n'),
    );
    for (const name of ['esp', 'ike', 'ike on 4500', 'esp in udp', 'nat keepalive'])
      expect(said(alone, name)).toBe('leak E');
    expect(said(alone, 'ike over tcp, ESP to 198.51.100.9 and port 4500')).toBe('tunnel');
  });
});

describe('the question by which every system looks for NAT64', () => {
  const six = compileJudge(
    policyOf(
      'version: 1\ntunnels: [{name: a, protocol: wireguard, endpoints: ["udp:[2001:db8::7]:51820"]}]\n',
    ),
  );
  const judged = (judge: Judge, name: string): string => {
    const { verdict, severity = '' } = judge.judge(
      factsOf(shapeNamed(name).bytes),
      shapeNamed(name).direction,
    );
    return `${verdict} ${severity}`.trim();
  };
  const crosses = (judge: Judge, name: string): boolean =>
    judge.crosses(factsOf(shapeNamed(name).bytes), shapeNamed(name).direction);

  it.each([
    ['the question for NAT64', 'allowed', 'leak amber'],
    ['the question for NAT64 over IPv6', 'allowed', 'leak amber'],
    ['the question for NAT64 with a cookie', 'allowed', 'leak amber'],
    ['the answer for NAT64', 'allowed', 'leak amber'],
    // No more of it than a question needs, and over TCP only what was called cut.
    ['the question for NAT64 and a long tail', 'leak amber', 'leak amber'],
    ['the question for NAT64 over TCP, unasked', 'leak amber', 'leak amber'],
    ['a question for what only ends like NAT64’s', 'leak red', 'leak red'],
  ])('%s: %s where an IPv4 server may need it, else %s', (name, needed, unneeded) => {
    expect(judged(full, name)).toBe(needed);
    expect(judged(six, name)).toBe(unneeded);
    expect(crosses(full, name)).toBe(needed === 'allowed');
    expect(crosses(six, name)).toBe(false);
  });

  it('is told as what it is', () => {
    const { reason } = full.judge(factsOf(shapeNamed('the question for NAT64').bytes), 'up');
    expect(reason).toMatch(/^DNS question for ipv4only\.arpa .*NAT64; it names no site$/);
  });
});

describe('a reason', () => {
  it.each([
    [
      'DNS',
      'DNS question for www.example.com (',
      ' to 203.0.113.53, outside the tunnel udp:198.51.100.7:51820',
    ],
    [
      'DNS to the tunnel server on its port',
      'what looks like a DNS question for www.example.com',
      ', at the tunnel endpoint udp:198.51.100.7:51820, but not wireguard',
    ],
    ['GRE', 'GRE', '(a tunnel that hides nothing)'],
    ['ARP request', 'ARP to 192.168.1.1: needed to be on the network', ''],
    ['advertisement to all', 'neighbour discovery that claims fe80::50', ''],
  ])('of %s names the facts', (name, start, end) => {
    const shape = shapeNamed(name);
    const { reason } = compileJudge(BARE).judge(factsOf(shape.bytes), shape.direction);
    expect(reason.slice(0, start.length)).toBe(start);
    expect(reason.slice(reason.length - end.length)).toBe(end);
  });

  it('says what Eve learns and where it goes', () => {
    const verdict = full.judge(factsOf(shapeNamed('DNS').bytes), 'up');
    expect(verdict).toMatchObject({
      exposure: 'www.example.com',
      destination: '203.0.113.53',
      severity: 'red',
    });
    expect(full.judge(factsOf(shapeNamed('ping').bytes), 'up').exposure).toBe('203.0.113.53');
    expect(full.judge(factsOf(shapeNamed('LLDP').bytes), 'up').exposure).toBe(
      '01:80:c2:00:00:0e (type 0x88cc)',
    );
  });
});

describe('by profile', () => {
  it.each([
    ['HTTPS syn', 'leak E', 'allowed', 'allowed'],
    ['DNS', 'leak A', 'leak A', 'allowed'],
    ['DNS on another port', 'leak A', 'leak A', 'allowed'],
    ['DNS for a must-tunnel name', 'leak A', 'leak A', 'leak B'],
    ['DNS for a must-tunnel name in capitals', 'leak A', 'leak A', 'leak B'],
    ['DNS for a name that only ends alike', 'leak A', 'leak A', 'allowed'],
    ['DNS for what a pattern leaves out', 'leak A', 'leak A', 'allowed'],
    ["the tunnel server's own name", 'allowed', 'allowed', 'allowed'],
    ["the tunnel server's name as a prefix", 'leak A', 'leak A', 'allowed'],
    ['mDNS', 'leak A', 'allowed', 'leak A'],
    ['mDNS to a host', 'leak A', 'leak A', 'leak A'],
    ['DNS over TLS, designated', 'leak C', 'allowed', 'leak C'],
    ['DNS over TLS', 'leak C', 'leak C', 'leak C'],
    ['proxy', 'leak E', 'allowed', 'allowed'],
    ['HTTPS to an exposed address', 'leak D', 'leak D', 'leak D'],
    ['GRE', 'leak F', 'leak F', 'leak F'],
    ['PPTP', 'leak E', 'leak E', 'leak E'],
    ['6in4', 'leak F', 'leak F', 'leak F'],
    ['later fragment', 'leak E', 'leak E', 'leak E'],
    ['VLAN', 'leak A', 'leak A', 'leak A'],
    ['ARP request', 'essential', 'essential', 'essential'],
    ['neighbour solicitation with a wrong hop limit', 'leak E', 'leak E', 'leak E'],
    ['DHCP renewal to another server', 'leak E', 'leak E', 'leak E'],
    ['printing', 'allowed', 'allowed', 'allowed'],
    ['DNS into an allowed network', 'leak A', 'leak A', 'allowed'],
  ])('%s: %s | %s | %s', (name, inFull, inStub, inSplit) => {
    expect(said(full, name)).toBe(inFull);
    expect(said(compileJudge(STUB, LEARNED), name)).toBe(inStub);
    expect(said(compileJudge(SPLIT, LEARNED), name)).toBe(inSplit);
  });
});

describe('with proxies, and nothing said of other traffic', () => {
  it.each([
    ['HTTPS syn', 'leak E'],
    ['ping', 'leak E'],
    ['DNS', 'leak A'],
    ['mDNS', 'leak A'],
    ['DNS over TLS, designated', 'allowed'],
    ['proxy', 'allowed'],
    ["the tunnel server's own name", 'allowed'],
    ['printing', 'allowed'],
    ['ARP request', 'essential'],
  ])('%s: %s', (name, expected) => {
    const shut = compileJudge(STUB_SHUT, LEARNED);
    expect(said(shut, name)).toBe(expected);
    expect(shut.crosses(factsOf(shapeNamed(name).bytes), shapeNamed(name).direction)).toBe(
      !expected.startsWith('leak'),
    );
  });
});

describe("the answer for a tunnel server's own name", () => {
  it.each([
    ["the answer for the tunnel server's name", 'down_allowed_dns'],
    ["the answer without a record for the tunnel server's name", 'down_allowed_dns'],
    ['the answer for another name', 'down_leak_dns'],
  ])('is known by the question that it repeats, as the kernel knows it: %s', (name, counter) => {
    expect(full.counter(factsOf(shapeNamed(name).bytes), 'down')).toBe(counter);
  });
});

describe('under a pass', () => {
  it('what crosses is still a leak, and says why it crossed', () => {
    const judge = compileJudge(FULL, PASSING);
    const packet = factsOf(shapeNamed('HTTPS syn').bytes);
    expect(full.crosses(packet, 'up')).toBe(false);
    expect(judge.crosses(packet, 'up')).toBe(true);
    expect(judge.judge(packet, 'up').verdict).toBe('leak');
    expect(judge.judge(packet, 'up').reason).toContain('let through by a captive-portal exception');
    expect(judge.counter(packet, 'up')).toBe('up_pass_tls');
    expect(judge.crosses(factsOf(shapeNamed('DNS').bytes), 'up')).toBe(false);
  });
});

describe('without saying which way', () => {
  it('no shape is safer than it is on its own way or the other', () => {
    const rank = (verdict: string): boolean => verdict !== 'leak';
    for (const { name, bytes } of SHAPES) {
      const packet = factsOf(bytes);
      const either = rank(full.judge(packet, 'either').verdict);
      expect(either, name).toBe(
        rank(full.judge(packet, 'up').verdict) || rank(full.judge(packet, 'down').verdict),
      );
    }
  });
});
