// Knows: the table of what crosses in block mode besides tunnels and what the policy opens, in words. Must not know: frames.
// Each row stands for rules of plumbing.ts and neighbours.ts; README shows the table, test/policy/essential-traffic.test.ts
// holds README to it, and every frame form that crosses to one of its rows.

import type { Way } from './counted.ts';

export interface EssentialTraffic {
  /** The counter that its frames add to, without the way: `arp`, `dhcp`, … */
  readonly counter: 'arp' | 'dhcp' | 'dhcp6' | 'nd' | 'icmp' | 'eapol';
  readonly way: Way;
  readonly form: string;
  readonly peer: string;
  readonly reveals: string;
  readonly why: string;
}

export const ESSENTIAL_TRAFFIC: readonly EssentialTraffic[] = [
  {
    counter: 'arp',
    way: 'up',
    form: 'ARP request, nothing behind it but zeros',
    peer: 'the gateway and the DHCP server of the lease, its resolver while one may be asked, an endpoint or `allow` row, the box; until a lease was seen at most four private addresses',
    reveals: 'the address of the client, and that it looks for its gateway',
    why: 'no packet leaves without it (RFC 826)',
  },
  {
    counter: 'arp',
    way: 'up',
    form: 'ARP probe and announcement',
    peer: "everybody: the client's own address, or a link-local one that it tries",
    reveals: 'the address that it has or is about to have',
    why: 'two machines with one address reach nothing (RFC 5227)',
  },
  {
    counter: 'arp',
    way: 'up',
    form: 'ARP reply',
    peer: 'whoever asked',
    reveals: "that the client has its own address; it answers for no tunnel's",
    why: 'the gateway must find the client, and routers that share an address ask from another',
  },
  {
    counter: 'arp',
    way: 'down',
    form: 'ARP request and reply',
    peer: 'for an address of a client or of the list above; from an address of that list',
    reveals: 'nothing',
    why: 'the same, from the other side',
  },
  {
    counter: 'dhcp',
    way: 'up',
    form: 'DHCPv4 request of at most 576 bytes, fields of servers empty',
    peer: 'broadcast, or the server of a lease, by address and MAC',
    reveals: 'MAC address, often host name, maker and system; options carry what the client puts there',
    why: 'no address without it (RFC 2131)',
  },
  {
    counter: 'dhcp',
    way: 'down',
    form: 'DHCPv4 reply',
    peer: 'port 67 to port 68',
    reveals: 'nothing; what it says is judged by rule T',
    why: 'the same',
  },
  {
    counter: 'dhcp6',
    way: 'up',
    form: 'DHCPv6 message of a client',
    peer: 'link-local to ff02::1:2 alone',
    reveals: 'its DUID, often its host name',
    why: 'networks without autoconfiguration (RFC 8415)',
  },
  {
    counter: 'dhcp6',
    way: 'down',
    form: 'DHCPv6 message of a server',
    peer: 'link-local to link-local',
    reveals: 'nothing',
    why: 'the same',
  },
  {
    counter: 'nd',
    way: 'up',
    form: 'router solicitation, one option at most',
    peer: 'ff02::2',
    reveals: 'that a client is there',
    why: 'the IPv6 gateway is found by it (RFC 4861)',
  },
  {
    counter: 'nd',
    way: 'up',
    form: 'neighbour solicitation, one option at most',
    peer: 'routers that announced themselves, an endpoint or `allow` row; without a known router any link-local address',
    reveals: "the client's address, and that it looks for its router",
    why: 'no packet leaves without it (RFC 4861)',
  },
  {
    counter: 'nd',
    way: 'up',
    form: 'duplicate address detection (from ::)',
    peer: 'a solicited-node group',
    reveals: 'the address that the client is about to have',
    why: 'no IPv6 address without it (RFC 4862)',
  },
  {
    counter: 'nd',
    way: 'up',
    form: 'neighbour advertisement, one option at most',
    peer: 'a link-local address, ff02::1, an endpoint or `allow` row',
    reveals: "one of the client's addresses",
    why: 'the router must find the client, and a double must hear of it',
  },
  {
    counter: 'nd',
    way: 'down',
    form: 'router advertisement; solicitation and advertisement of neighbours; hop limit 255, no redirect',
    peer: 'advertisements of routers from link-local addresses alone',
    reveals: 'nothing; what it says is judged by rule T',
    why: 'the same',
  },
  {
    counter: 'icmp',
    way: 'down',
    form: '"fragmentation needed" and "packet too big"',
    peer: 'any router, to an address of a client',
    reveals: 'nothing',
    why: 'path MTU of the tunnel (RFC 1191, RFC 8201)',
  },
  {
    counter: 'eapol',
    way: 'up',
    form: '802.1X',
    peer: '01:80:c2:00:00:03, which no bridge but this forwards',
    reveals: 'the identity that the client authenticates with',
    why: 'the switch opens its port to nobody else (IEEE 802.1X)',
  },
  {
    counter: 'eapol',
    way: 'down',
    form: '802.1X',
    peer: '01:80:c2:00:00:03',
    reveals: 'nothing',
    why: 'the same',
  },
];

/** The table as README has it. */
export function essentialTable(): string {
  const head = ['form', 'peer', 'way', 'what it reveals', 'why it cannot be less'];
  const rows = ESSENTIAL_TRAFFIC.map(({ form, peer, way, reveals, why }) => [form, peer, way, reveals, why]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
