// What networks, servers and clients send to have a client on the network, each beside what only resembles it. Policy FULL and LEARNED of
// policies.ts: client 192.168.1.50, server 198.51.100.7.

import {
  BROADCAST,
  CLIENT,
  ROUTER,
  address4,
  address6,
  arp,
  dhcp4,
  dhcp6,
  dnsAnswer,
  ethernet,
  fill,
  fragment6,
  icmp6,
  ipv4,
  ipv6,
  text,
  u16,
  u32,
  udp,
} from './frames.ts';
import type { Bytes, Ipv4, Ipv6, Link } from './frames.ts';
import { LINK_LOCAL, WG, WG6, data } from './shape.ts';
import type { Shape } from './shape.ts';

interface Expected extends Shape {
  readonly crosses: boolean;
  /** What the judge says where it is not what `crosses` says. */
  readonly verdict?: 'leak';
}

const UP: Link = {};
const DOWN: Link = { from: ROUTER, to: CLIENT };
const PAE = '01:80:c2:00:00:03';

const at =
  (direction: 'up' | 'down') =>
  (name: string, crosses: boolean, type: number, payload: Bytes, link: Link = {}): Expected => ({
    ...{ name, direction, crosses },
    bytes: ethernet(type, payload, { ...(direction === 'up' ? UP : DOWN), ...link }),
  });
const [up, down] = [at('up'), at('down')];
const up4 = (
  name: string,
  crosses: boolean,
  protocol: number,
  payload: Bytes,
  ip: Ipv4,
  link?: Link,
): Expected => up(name, crosses, 0x0800, ipv4(protocol, payload, ip), link);
const up6 = (name: string, crosses: boolean, next: number, payload: Bytes, ip: Ipv6, link?: Link): Expected =>
  up(name, crosses, 0x86dd, ipv6(next, payload, ip), link);
const down4 = (
  name: string,
  crosses: boolean,
  protocol: number,
  payload: Bytes,
  ip: Ipv4,
  link?: Link,
): Expected =>
  down(
    name,
    crosses,
    0x0800,
    ipv4(protocol, payload, { from: '192.168.1.1', to: '192.168.1.50', ...ip }),
    link,
  );
const down6 = (
  name: string,
  crosses: boolean,
  next: number,
  payload: Bytes,
  ip: Ipv6,
  link?: Link,
): Expected =>
  down(name, crosses, 0x86dd, ipv6(next, payload, { from: 'fe80::1', to: LINK_LOCAL, ...ip }), link);

const MKA = [3, 5, 0, 32, ...fill(32)];
const EAP = [2, 0, 0, 5, 1, 1, 0, 5, 1];

const EAPOL: readonly Expected[] = [
  up('EAPOL start to the PAE group', true, 0x888e, [2, 1, 0, 0], { to: PAE }),
  up('MKA to the PAE group', true, 0x888e, MKA, { to: PAE }),
  up('EAPOL to a switch that has said nothing', false, 0x888e, EAP),
  up('EAPOL to everybody', false, 0x888e, EAP, { to: BROADCAST }),
  down('EAPOL from the PAE group', true, 0x888e, EAP, { to: PAE }),
  down('EAPOL to the client alone', true, 0x888e, EAP),
  down('MKA to the client alone', true, 0x888e, MKA),
  down('EAPOL to everybody, down', false, 0x888e, EAP, { to: BROADCAST }),
  down('EAPOL to another group', false, 0x888e, EAP, { to: '01:00:5e:00:00:01' }),
  up('EAPOL of RSN', false, 0x88c7, EAP, { to: PAE }),
];

const lease = (port: number, to = 68): Bytes => udp(port, to, dhcp4(2, undefined, 5));
const DHCP: readonly Expected[] = [
  ...[67, 68, 1024, 49153].map((port) =>
    down4(`DHCP acknowledgement from port ${port}`, true, 17, lease(port), {}),
  ),
  down4('DHCP acknowledgement from the DNS port', true, 17, lease(53), {}),
  down4(
    'DHCP acknowledgement to everybody',
    true,
    17,
    lease(49153),
    { to: '255.255.255.255' },
    { to: BROADCAST },
  ),
  down4('DHCP acknowledgement to another port', false, 17, lease(49153, 69), {}),
  down4('DHCP request as an answer', false, 17, udp(49153, 68, dhcp4(1)), {}),
  down4('DHCP without cookie, from any port', false, 17, udp(49153, 68, dhcp4(2, [0, 0, 0, 0])), {}),
  ...[547, 546, 1024, 49152].map((port) =>
    down6(`DHCPv6 answer from port ${port}`, true, 17, udp(port, 546, dhcp6(7)), {}),
  ),
  down6('DHCPv6 answer from a global address', false, 17, udp(49152, 546, dhcp6(7)), { from: '2001:db8::1' }),
  down6('DHCPv6 answer to a global address', false, 17, udp(49152, 546, dhcp6(7)), { to: '2001:db8:1::50' }),
  down6('DHCPv6 request as an answer', false, 17, udp(49152, 546, dhcp6(1)), {}),
  down6('DHCPv6 answer to another port', false, 17, udp(547, 49152, dhcp6(7)), {}),
];

const about = (target: string, behind: Bytes = []): Bytes => [...fill(4, 0), ...address6(target), ...behind];
const NEIGHBOURS: readonly Expected[] = [
  ...['2001:db8:1::1', 'fd77::1', 'fe80::1'].map((from) =>
    down6(`solicitation from ${from}`, true, 58, icmp6(135, about('2001:db8:1::50', [1, 1, ...fill(6)])), {
      ...{ from, to: 'ff02::1:ff00:50', hops: 255 },
    }),
  ),
  down6('solicitation from a global address over a router', false, 58, icmp6(135, about('2001:db8:1::50')), {
    ...{ from: '2001:db8:1::1', to: 'ff02::1:ff00:50', hops: 254 },
  }),
  up6('advertisement to who has not asked', false, 58, icmp6(136, about('2001:db8:1::50')), {
    ...{ to: '2001:db8:1::1', hops: 255 },
  }),
];

const ALERT4 = [148, 4, 0, 0];
const igmp = (type: number, group: string, code = 0): Bytes => [type, code, 0, 0, ...address4(group)];
const igmp3 = (
  groups: readonly string[],
  more: { record?: Bytes; behind?: Bytes; count?: number } = {},
): Bytes => [
  ...[0x22, 0, 0, 0, 0, 0, ...u16(more.count ?? groups.length)],
  ...groups.flatMap((group) => [...(more.record ?? [4, 0, 0, 0]), ...address4(group)]),
  ...(more.behind ?? []),
];
const report4 = (name: string, crosses: boolean, message: Bytes, to: string, ip: Ipv4 = {}): Expected =>
  up4(`IGMP ${name}`, crosses, 2, message, { to, ttl: 1, options: ALERT4, ...ip });
const V3 = '224.0.0.22';
const MDNS = '224.0.0.251';
const SSDP = '239.255.255.250';
const IGMP: readonly Expected[] = [
  report4('report of version 2', true, igmp(0x16, MDNS), MDNS),
  report4('report of version 1', true, igmp(0x12, MDNS), MDNS),
  report4('leave', true, igmp(0x17, MDNS), '224.0.0.2'),
  report4('report of one group', true, igmp3([MDNS]), V3),
  report4('report of eight groups', true, igmp3([...Array(8).keys()].map((n) => `224.0.0.${n + 200}`)), V3),
  report4('report of nine groups', false, igmp3([...Array(9).keys()].map((n) => `224.0.0.${n + 200}`)), V3),
  report4('report of SSDP', false, igmp(0x16, SSDP), SSDP),
  report4('report of SSDP to a group of the link', false, igmp(0x16, SSDP), MDNS),
  report4('report of a group to another', false, igmp(0x16, MDNS), SSDP),
  report4('leave to a host', false, igmp(0x17, MDNS), '192.168.1.1'),
  report4('report of SSDP among others', false, igmp3([MDNS, SSDP, '224.0.0.252']), V3),
  report4(
    'report with a source',
    false,
    igmp3([MDNS], { record: [4, 0, 0, 1], behind: address4('203.0.113.5') }),
    V3,
  ),
  report4('report with auxiliary data', false, igmp3([MDNS], { record: [4, 1, 0, 0], behind: fill(4) }), V3),
  report4('report of an unknown record', false, igmp3([MDNS], { record: [7, 0, 0, 0] }), V3),
  report4('report with bytes behind it', false, igmp3([MDNS], { behind: text('anna') }), V3),
  report4('report that counts more than it has', false, igmp3([MDNS], { count: 2 }), V3),
  report4('report without records', false, igmp3([]), V3),
  report4('report to a host', false, igmp3([MDNS]), '203.0.113.5'),
  report4('report over routers', false, igmp3([MDNS]), V3, { ttl: 2 }),
  report4('report without alert', false, igmp(0x16, MDNS), MDNS, { options: [] }),
  report4('report with another option', false, igmp(0x16, MDNS), MDNS, { options: [7, 4, 4, 0] }),
  report4('report with more options', false, igmp(0x16, MDNS), MDNS, { options: [...ALERT4, 1, 1, 1, 0] }),
  report4('report in pieces', false, igmp(0x16, MDNS), MDNS, { fragment: 0x2000 }),
  report4('query from the client', false, igmp(0x11, '0.0.0.0', 100), '224.0.0.1'),
  down4('IGMP query', true, 2, [...igmp(0x11, '0.0.0.0', 100), ...fill(4, 0)], {
    ...{ to: '224.0.0.1', ttl: 1, options: ALERT4 },
  }),
  down4('IGMP query of version 1', true, 2, igmp(0x11, '0.0.0.0'), { to: '224.0.0.1', ttl: 1 }),
  down4('IGMP query for a group', true, 2, igmp(0x11, SSDP, 10), { to: SSDP, ttl: 1, options: ALERT4 }),
  down4("another's IGMP report", true, 2, igmp(0x16, SSDP), { to: SSDP, ttl: 1, options: ALERT4 }),
  down4('IGMP to the client', false, 2, igmp(0x11, '0.0.0.0', 100), { ttl: 1, options: ALERT4 }),
  down4('IGMP over routers', false, 2, igmp(0x11, '0.0.0.0', 100), {
    to: '224.0.0.1',
    ttl: 9,
    options: ALERT4,
  }),
];

const ALERT6 = [5, 2, 0, 0, 1, 0];
const hop = (message: Bytes, options: Bytes = ALERT6): Bytes => [58, 0, ...options, ...message];
const mld = (type: number, group: string, head: Bytes = fill(4, 0)): Bytes => [
  type,
  0,
  0,
  0,
  ...head,
  ...address6(group),
];
const mld2 = (
  groups: readonly string[],
  more: { record?: Bytes; behind?: Bytes; count?: number } = {},
): Bytes => [
  ...[143, 0, 0, 0, 0, 0, ...u16(more.count ?? groups.length)],
  ...groups.flatMap((group) => [...(more.record ?? [4, 0, 0, 0]), ...address6(group)]),
  ...(more.behind ?? []),
];
const report6 = (name: string, crosses: boolean, payload: Bytes, to = 'ff02::16', ip: Ipv6 = {}): Expected =>
  up6(`MLD ${name}`, crosses, 0, payload, { from: LINK_LOCAL, to, hops: 1, ...ip });
const NODE = 'ff02::1:ff00:770c';
const MLD: readonly Expected[] = [
  report6('report of a solicited-node group', true, hop(mld2([NODE]))),
  report6('report with the padding first', true, hop(mld2([NODE]), [1, 0, 5, 2, 0, 0])),
  report6('report from no address yet', true, hop(mld2([NODE])), 'ff02::16', { from: '::' }),
  report6(
    'report of eight groups',
    true,
    hop(mld2(['fb', 'c', '1', '2', '16', '1:2', '1:3', '1:ff12:3456'].map((g) => `ff02::${g}`))),
  ),
  report6('report of nine groups', false, hop(mld2(Array<string>(9).fill(NODE)))),
  report6('report of version 1', true, hop(mld(131, NODE)), NODE),
  report6('done', true, hop(mld(132, NODE)), 'ff02::2'),
  ...['ff05::c', 'ff02::1:4', 'ff02::1:fe00:1', 'ff02::2:ff00:1', 'ff02:0:0:1::1', 'ff0e::1'].map((group) =>
    report6(`report of ${group}`, false, hop(mld2([NODE, group]))),
  ),
  report6('report of version 1 of ff05::c', false, hop(mld(131, 'ff05::c')), NODE),
  report6('report of version 1 to a host', false, hop(mld(131, NODE)), '2001:db8:53::53'),
  report6('done to a host', false, hop(mld(132, NODE)), '2001:db8:53::53'),
  report6('report of version 1 with a delay', false, hop(mld(131, NODE, [0, 9, 0, 0])), NODE),
  report6(
    'report with a source',
    false,
    hop(mld2([NODE], { record: [4, 0, 0, 1], behind: address6('2620:fe::9') })),
  ),
  report6('report with auxiliary data', false, hop(mld2([NODE], { record: [4, 1, 0, 0], behind: fill(4) }))),
  report6('report of an unknown record', false, hop(mld2([NODE], { record: [0, 0, 0, 0] }))),
  report6('report with bytes behind it', false, hop(mld2([NODE], { behind: text('anna') }))),
  report6('report that counts more than it has', false, hop(mld2([NODE], { count: 2 }))),
  report6('report of a later code', false, hop([143, 1, ...mld2([NODE]).slice(2)])),
  report6('report to a host', false, hop(mld2([NODE])), '2001:db8:53::53'),
  report6('report from a global address', false, hop(mld2([NODE])), 'ff02::16', { from: '2001:db8:1::50' }),
  report6('report over routers', false, hop(mld2([NODE])), 'ff02::16', { hops: 64 }),
  report6('report without alert', false, hop(mld2([NODE]), [1, 4, 0, 0, 0, 0])),
  report6('report with another alert', false, hop(mld2([NODE]), [5, 2, 0, 1, 1, 0])),
  report6('report behind a longer header', false, [58, 1, ...ALERT6, 1, 6, ...fill(6, 0), ...mld2([NODE])]),
  report6('query from the client', false, hop(mld(130, '::')), 'ff02::1'),
  up6('MLD report without hop-by-hop header', false, 58, mld2([NODE]), {
    from: LINK_LOCAL,
    to: 'ff02::16',
    hops: 1,
  }),
  up6(
    'MLD report behind a fragment header',
    false,
    0,
    [44, 0, ...ALERT6, ...fragment6(58, 0, false), ...mld2([NODE])],
    {
      ...{ from: LINK_LOCAL, to: 'ff02::16', hops: 1 },
    },
  ),
  down6('MLD query', true, 0, hop([...mld(130, '::', [39, 16, 0, 0]), 2, 125, 0, 0]), {
    to: 'ff02::1',
    hops: 1,
  }),
  down6('MLD query of version 1', true, 0, hop(mld(130, '::')), { to: 'ff02::1', hops: 1 }),
  down6("another's MLD report", true, 0, hop(mld2(['ff05::c'])), {
    from: 'fe80::77',
    to: 'ff02::16',
    hops: 1,
  }),
  down6('MLD query to the client', false, 0, hop(mld(130, '::')), { hops: 1 }),
  down6('MLD query from afar', false, 0, hop(mld(130, '::')), {
    from: '2001:db8::1',
    to: 'ff02::1',
    hops: 1,
  }),
  down6('MLD query cut short', false, 0, hop([130, 0, 0, 0]), { to: 'ff02::1', hops: 1 }),
];

const tag = (
  name: string,
  crosses: boolean,
  direction: 'up' | 'down',
  control: number,
  type: number,
  payload: Bytes,
  outer = 0x8100,
): Expected =>
  (direction === 'up' ? up : down)(
    name,
    crosses,
    outer,
    [...u16(control), ...u16(type), ...payload],
    direction === 'up' ? { to: BROADCAST } : {},
  );
const inner = ipv4(17, udp(40000, 51820, data), { to: WG });
const TAGS: readonly Expected[] = [
  tag('priority tag, ARP', true, 'up', 0xc000, 0x0806, arp(1)),
  tag('priority tag, ARP filled up to the shortest frame', true, 'up', 0xc000, 0x0806, [
    ...arp(1),
    ...fill(18, 0),
  ]),
  tag('priority tag, ARP with bytes behind it', false, 'up', 0xc000, 0x0806, [...arp(1), ...fill(14)]),
  tag('priority tag, tunnel', true, 'up', 0, 0x0800, inner),
  tag('priority tag, eligible to be dropped', true, 'up', 0x1000, 0x0800, inner),
  tag('priority tag, DNS', false, 'up', 0, 0x0800, ipv4(17, udp(40000, 53, fill(40)))),
  tag('priority tag, EAPOL', true, 'down', 0xe000, 0x888e, EAP),
  tag(
    'priority tag, DHCP',
    true,
    'down',
    0xc000,
    0x0800,
    ipv4(17, lease(67), { from: '192.168.1.1', to: '192.168.1.50' }),
  ),
  tag('priority tag, unknown type', false, 'up', 0, 0x88cc, fill(60)),
  tag('priority tag, PPPoE', false, 'up', 0, 0x8863, [0x11, 9, 0, 0, 0, 0, ...fill(60, 0)]),
  tag('priority tag around a VLAN', false, 'up', 0, 0x8100, [...u16(10), ...u16(0x0800), ...inner]),
  tag('priority tag in a VLAN', false, 'up', 10, 0x8100, [...u16(0), ...u16(0x0800), ...inner]),
  tag('priority tag around another', false, 'up', 0, 0x8100, [...u16(0), ...u16(0x0800), ...inner]),
  tag('priority tag around an old service tag', false, 'up', 0, 0x9100, [
    ...u16(0),
    ...u16(0x0800),
    ...inner,
  ]),
  tag('priority tag of a service', false, 'up', 0, 0x0800, inner, 0x88a8),
  tag('priority tag around a length', false, 'up', 0, 60, [0xaa, 0xaa, 3, 0, 0, 0, ...u16(0x0800), ...inner]),
  tag('VLAN 1', false, 'up', 1, 0x0800, inner),
  tag('VLAN 4095', false, 'up', 0xfff, 0x0800, inner),
];

const late = (payload: Bytes, port = 51820, ip: Ipv4 = {}): Bytes =>
  ipv4(17, udp(port, 45999, payload), { from: WG, to: '192.168.1.50', ...ip });
const late6 = (payload: Bytes, port = 51820, ip: Ipv6 = {}): Bytes =>
  ipv6(17, udp(port, 45999, payload), { from: WG6, to: '2001:db8:1::50', ...ip });
const unreachable = (name: string, crosses: boolean, quote: Bytes, ip: Ipv4 = {}, code = 3): Expected =>
  up4(`port unreachable ${name}`, crosses, 1, [3, code, ...fill(6, 0), ...quote], { to: WG, ...ip });
const unreachable6 = (name: string, crosses: boolean, quote: Bytes, ip: Ipv6 = {}, code = 4): Expected =>
  up6(`port unreachable over IPv6 ${name}`, crosses, 58, [1, code, ...fill(6, 0), ...quote], {
    to: WG6,
    ...ip,
  });
const leak = (shape: Expected): Expected => ({ ...shape, verdict: 'leak' });
const ike = [...u32(0x11111111), ...fill(12, 0x11), 0x21, 0x20, 0x22, 8, ...fill(40)];
const REPORTS: readonly Expected[] = [
  unreachable('to the tunnel server', true, late(data)),
  unreachable('with the header alone', true, late(data).slice(0, 28)),
  unreachable('that quotes a part', true, late([...data, ...fill(800)]).slice(0, 548)),
  unreachable('that quotes too much', false, late([...data, ...fill(800)]).slice(0, 549)),
  unreachable('to an IPsec server', true, late(ike, 500, { from: '198.51.100.9' }), { to: '198.51.100.9' }),
  unreachable('to a host', false, late(data, 51820, { from: '203.0.113.53' }), { to: '203.0.113.53' }),
  unreachable('that quotes another port', false, late(data, 53)),
  unreachable('that quotes TCP', false, ipv4(6, udp(51820, 45999, data), { from: WG, to: '192.168.1.50' })),
  unreachable('that quotes options', false, late(data, 51820, { options: fill(4, 1) })),
  unreachable('that quotes a later fragment', false, late(data, 51820, { fragment: 100 })),
  unreachable('of another code', false, late(data), {}, 13),
  unreachable('cut short', false, late(data).slice(0, 26)),
  leak(unreachable('that quotes text', true, late(text('what was written in the letter')))),
  leak(unreachable('that quotes an answer', true, late(dnsAnswer('www.example.com', '192.0.2.1')))),
  leak(unreachable('that quotes another source', true, late(data, 51820, { from: '203.0.113.9' }))),
  leak(unreachable('that quotes another destination', true, late(data, 51820, { to: '192.168.1.51' }))),
  leak(unreachable('with bytes behind the quotation', true, [...late(data), ...text('anna')])),
  leak(
    unreachable('that quotes a longer datagram', true, late([...data, ...fill(8)], 51820, { total: 124 })),
  ),
  leak(
    unreachable('to the gateway', true, late(data, 51820, { from: '192.168.1.1' }), { to: '192.168.1.1' }),
  ),
  unreachable6('to the tunnel server', true, late6(data)),
  unreachable6('that quotes as much as fits', true, late6([...data, ...fill(1200)]).slice(0, 1232)),
  unreachable6('that quotes too much', false, late6([...data, ...fill(1200)]).slice(0, 1233)),
  unreachable6('to a host', false, late6(data), { to: '2001:db8:53::53' }),
  unreachable6('that quotes another port', false, late6(data, 53)),
  unreachable6(
    'that quotes a fragment',
    false,
    ipv6(44, [...fragment6(17, 0, true), ...udp(51820, 45999, data)], { from: WG6 }),
  ),
  unreachable6('of another code', false, late6(data), {}, 1),
  leak(unreachable6('that quotes text', true, late6(text('what was written in the letter')))),
];

/** What crosses up and has a length of its own: the packet is the frame, or zeros fill it up to the shortest one. */
const WHOLE: readonly Expected[] = [
  ...[...IGMP, ...MLD].filter(({ direction, crosses }) => direction === 'up' && crosses),
  up6('router solicitation', true, 58, icmp6(133, fill(4, 0)), {
    ...{ from: LINK_LOCAL, to: 'ff02::2' },
    hops: 255,
  }),
  up6('solicitation for a double', true, 58, icmp6(135, about('fe80::50')), {
    ...{ from: '::', to: 'ff02::1:ff00:50', hops: 255 },
  }),
  up6('advertisement to all', true, 58, icmp6(136, about('fe80::50', [2, 1, ...fill(6)])), {
    ...{ from: LINK_LOCAL, to: 'ff02::1', hops: 255 },
  }),
];
const SHORTEST = 60;
const BEHIND: readonly Expected[] = WHOLE.flatMap((shape) => {
  const { name, bytes } = shape;
  const room = SHORTEST - bytes.length;
  const put = (what: string, crosses: boolean, tail: Bytes): Expected => ({
    ...shape,
    ...{ name: `${name}, ${what}`, crosses },
    bytes: Uint8Array.from([...bytes, ...tail]),
  });
  return [
    put('and text behind it', false, text('anna')),
    put('and much behind it', false, fill(400)),
    put('and one zero behind it', false, [0]),
    ...(room > 0
      ? [
          put('filled up with zeros', true, fill(room, 0)),
          put('filled up with text', false, [...fill(room - 4, 0), ...text('anna')]),
        ]
      : []),
  ];
});

export const ESSENTIAL: readonly Expected[] = [
  ...EAPOL,
  ...DHCP,
  ...NEIGHBOURS,
  ...IGMP,
  ...MLD,
  ...TAGS,
  ...REPORTS,
  ...WHOLE,
  ...BEHIND,
];
