// The table of what crosses in block mode besides tunnels and what the policy opens, in words. Each row stands for rules of
// filter/essential.ts and neighbours.ts; README shows the table, test/policy/essential-traffic.test.ts holds README to it, and every frame
// form that crosses to one of its rows.

import type { Direction } from '../../src/policy/compile/counted.ts';
import type { EssentialKind } from '../../src/policy/filter/rule.ts';

interface EssentialTraffic {
  /** The counter that its frames add to, without the way: `arp`, `dhcp`, … */
  readonly counter: EssentialKind;
  readonly direction: Direction;
  readonly form: string;
  readonly peer: string;
  readonly reveals: string;
  readonly why: string;
}

export const ESSENTIAL_TRAFFIC: readonly EssentialTraffic[] = [
  {
    counter: 'arp',
    direction: 'up',
    form: 'ARP request, padded with zeros only',
    peer: 'the gateway and the DHCP server of the lease, its resolver while queries to it are allowed, an endpoint or `allow` row, the box; until a lease has been seen, at most four private addresses',
    reveals: 'the address of the client, and that it looks for its gateway',
    why: 'no packet leaves without it (RFC 826)',
  },
  {
    counter: 'arp',
    direction: 'up',
    form: 'ARP probe and announcement',
    peer: "everyone: the client's own address, or a link-local one that it probes",
    reveals: 'the address that it has or is about to use',
    why: 'two machines with the same address cannot communicate (RFC 5227)',
  },
  {
    counter: 'arp',
    direction: 'up',
    form: 'ARP reply',
    peer: 'the sender of the request',
    reveals: "that the client has its address; it never answers for a tunnel's address",
    why: 'the gateway must find the client, and routers that share an address send requests from another',
  },
  {
    counter: 'arp',
    direction: 'down',
    form: 'ARP request and reply',
    peer: 'for an address of a client or of the list above; from an address of that list',
    reveals: 'nothing',
    why: 'the same, from the other side',
  },
  {
    counter: 'dhcp',
    direction: 'up',
    form: 'DHCPv4 request of at most 576 bytes, server fields empty',
    peer: 'broadcast, or the server of a lease, by address and MAC',
    reveals:
      'MAC address, often host name, manufacturer and system; options carry whatever the client puts there',
    why: 'no address without it (RFC 2131)',
  },
  {
    counter: 'dhcp',
    direction: 'down',
    form: 'DHCPv4 reply',
    peer: 'to port 68, from any address and port: servers and relays differ',
    reveals: 'nothing; what it says is judged by rule T',
    why: 'the same',
  },
  {
    counter: 'dhcp6',
    direction: 'up',
    form: 'DHCPv6 message of a client',
    peer: 'link-local to ff02::1:2 only',
    reveals: 'its DUID, often its host name',
    why: 'networks without autoconfiguration (RFC 8415)',
  },
  {
    counter: 'dhcp6',
    direction: 'down',
    form: 'DHCPv6 message of a server',
    peer: 'link-local to link-local, to port 546, from any port',
    reveals: 'nothing',
    why: 'the same',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'router solicitation, at most one option',
    peer: 'ff02::2',
    reveals: 'that a client is present',
    why: 'the client finds the IPv6 gateway with it (RFC 4861)',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'neighbour solicitation, at most one option',
    peer: 'routers that have announced themselves, an endpoint or `allow` row; any link-local address while no router is known',
    reveals: "the client's address, and that it looks for its router",
    why: 'no packet leaves without it (RFC 4861)',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'duplicate address detection (from ::)',
    peer: 'a solicited-node group',
    reveals: 'the address that the client is about to use',
    why: 'no IPv6 address without it (RFC 4862)',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'neighbour advertisement, at most one option',
    peer: 'a link-local address, ff02::1, an endpoint or `allow` row, and for half a minute any other address that sent a solicitation, which may be answered but not looked up',
    reveals:
      "one of the addresses for which the client ran duplicate address detection on this link, never a tunnel's",
    why: 'the router must find the client, and a device with the same address must be told',
  },
  {
    counter: 'nd',
    direction: 'down',
    form: 'router advertisement, neighbour solicitation and advertisement; hop limit 255, no redirect',
    peer: 'router advertisements only from link-local addresses; solicitations only for addresses that a client may have on this link',
    reveals: 'nothing; what it says is judged by rule T',
    why: 'the same',
  },
  {
    counter: 'icmp',
    direction: 'down',
    form: '"fragmentation needed" and "packet too big"',
    peer: 'any router, to an address that a client has here',
    reveals: 'nothing',
    why: 'path MTU of the tunnel (RFC 1191, RFC 8201)',
  },
  {
    counter: 'icmp',
    direction: 'up',
    form: '"port unreachable" of at most 576 bytes (IPv6: 1280), which quotes a packet from a tunnel\'s port',
    peer: "a tunnel's server; the quoted packet must be from that server, otherwise it is a leak",
    reveals: "to the tunnel's server, that the tunnel program has ended",
    why: 'every system answers a late packet in this way (RFC 1122, RFC 4443)',
  },
  {
    counter: 'igmp-mld',
    direction: 'up',
    form: 'IGMP and MLD report or leave of at most 8 groups, no sources, no trailing bytes',
    peer: 'link-local groups only: 224.0.0.0/24, ff02::/112, ff02::1:2, ff02::1:3, ff02::1:ff00:0/104',
    reveals:
      'which link-local services it listens to (mDNS, LLMNR), and the last 24 bits of its IPv6 addresses',
    why: 'a snooping switch does not forward neighbour solicitations for a group that no one has joined (RFC 4541)',
  },
  {
    counter: 'igmp-mld',
    direction: 'down',
    form: 'IGMP and MLD, hop limit 1',
    peer: 'any group',
    reveals: 'nothing',
    why: 'a client reports when it is queried',
  },
  {
    counter: 'eapol',
    direction: 'up',
    form: '802.1X, including MKA',
    peer: '01:80:c2:00:00:03, which other bridges do not forward, and for ten minutes the address that 802.1X came from',
    reveals: 'the identity that the client authenticates with',
    why: 'the switch does not open its port otherwise (IEEE 802.1X)',
  },
  {
    counter: 'eapol',
    direction: 'down',
    form: '802.1X, including MKA',
    peer: '01:80:c2:00:00:03, or a station',
    reveals: 'nothing',
    why: 'the same',
  },
];

/** The table as README has it. */
export function essentialTable(): string {
  const head = ['form', 'peer', 'direction', 'what it reveals', 'why it is needed'];
  const rows = ESSENTIAL_TRAFFIC.map(({ form, peer, direction, reveals, why }) => [
    form,
    peer,
    direction,
    reveals,
    why,
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
