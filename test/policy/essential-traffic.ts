// Knows: the table of what crosses in block mode besides tunnels and what the policy opens, in words. Must not know: frames.
// Each row stands for rules of filter/essential.ts and neighbours.ts; README shows the table, test/policy/essential-traffic.test.ts
// holds README to it, and every frame form that crosses to one of its rows.

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
    form: 'ARP request, nothing behind it but zeros',
    peer: 'the gateway and the DHCP server of the lease, its resolver while one may be asked, an endpoint or `allow` row, the box; until a lease was seen at most four private addresses',
    reveals: 'the address of the client, and that it looks for its gateway',
    why: 'no packet leaves without it (RFC 826)',
  },
  {
    counter: 'arp',
    direction: 'up',
    form: 'ARP probe and announcement',
    peer: "everybody: the client's own address, or a link-local one that it tries",
    reveals: 'the address that it has or is about to have',
    why: 'two machines with one address reach nothing (RFC 5227)',
  },
  {
    counter: 'arp',
    direction: 'up',
    form: 'ARP reply',
    peer: 'whoever asked',
    reveals: "that the client has its own address; it answers for no tunnel's",
    why: 'the gateway must find the client, and routers that share an address ask from another',
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
    form: 'DHCPv4 request of at most 576 bytes, fields of servers empty',
    peer: 'broadcast, or the server of a lease, by address and MAC',
    reveals: 'MAC address, often host name, maker and system; options carry what the client puts there',
    why: 'no address without it (RFC 2131)',
  },
  {
    counter: 'dhcp',
    direction: 'down',
    form: 'DHCPv4 reply',
    peer: 'to port 68, from any: servers and relays answer as they like',
    reveals: 'nothing; what it says is judged by rule T',
    why: 'the same',
  },
  {
    counter: 'dhcp6',
    direction: 'up',
    form: 'DHCPv6 message of a client',
    peer: 'link-local to ff02::1:2 alone',
    reveals: 'its DUID, often its host name',
    why: 'networks without autoconfiguration (RFC 8415)',
  },
  {
    counter: 'dhcp6',
    direction: 'down',
    form: 'DHCPv6 message of a server',
    peer: 'link-local to link-local, to port 546, from any',
    reveals: 'nothing',
    why: 'the same',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'router solicitation, one option at most',
    peer: 'ff02::2',
    reveals: 'that a client is there',
    why: 'the IPv6 gateway is found by it (RFC 4861)',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'neighbour solicitation, one option at most',
    peer: 'routers that announced themselves, an endpoint or `allow` row; without a known router any link-local address',
    reveals: "the client's address, and that it looks for its router",
    why: 'no packet leaves without it (RFC 4861)',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'duplicate address detection (from ::)',
    peer: 'a solicited-node group',
    reveals: 'the address that the client is about to have',
    why: 'no IPv6 address without it (RFC 4862)',
  },
  {
    counter: 'nd',
    direction: 'up',
    form: 'neighbour advertisement, one option at most',
    peer: 'a link-local address, ff02::1, an endpoint or `allow` row, and for half a minute whoever solicited from another address, which is answered and never looked for',
    reveals: 'one of the addresses that the client tried for doubles on this link, of no tunnel',
    why: 'the router must find the client, and a double must hear of it',
  },
  {
    counter: 'nd',
    direction: 'down',
    form: 'router advertisement; solicitation and advertisement of neighbours; hop limit 255, no redirect',
    peer: 'advertisements of routers from link-local addresses alone; solicitations for what a client may have on this link',
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
    peer: "a tunnel's server; what is quoted must be that server's packet, or it is called a leak",
    reveals: "that the tunnel's program has ended, to whom it spoke with",
    why: 'every system answers a late packet so (RFC 1122, RFC 4443)',
  },
  {
    counter: 'igmp-mld',
    direction: 'up',
    form: 'IGMP and MLD report or leave of at most 8 groups, no sources, nothing behind it',
    peer: 'groups of the link alone: 224.0.0.0/24, ff02::/112, ff02::1:2, ff02::1:3, ff02::1:ff00:0/104',
    reveals:
      'which services of the link it listens to (mDNS, LLMNR), and the last 24 bits of its IPv6 addresses',
    why: 'a switch that snoops hands out no neighbour solicitation for a group that nobody joined (RFC 4541)',
  },
  {
    counter: 'igmp-mld',
    direction: 'down',
    form: 'IGMP and MLD, hop limit 1',
    peer: 'any group',
    reveals: 'nothing',
    why: 'a client reports when it is asked',
  },
  {
    counter: 'eapol',
    direction: 'up',
    form: '802.1X, MKA with it',
    peer: '01:80:c2:00:00:03, which no bridge but this forwards, and for ten minutes the address that 802.1X came from',
    reveals: 'the identity that the client authenticates with',
    why: 'the switch opens its port to nobody else (IEEE 802.1X)',
  },
  {
    counter: 'eapol',
    direction: 'down',
    form: '802.1X, MKA with it',
    peer: '01:80:c2:00:00:03, or a station',
    reveals: 'nothing',
    why: 'the same',
  },
];

/** The table as README has it. */
export function essentialTable(): string {
  const head = ['form', 'peer', 'way', 'what it reveals', 'why it cannot be less'];
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
