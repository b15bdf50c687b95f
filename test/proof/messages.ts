// Knows: the messages of README.md's table of essential traffic byte by byte, as their RFCs have them: what a form leaves open is what such
// a message can carry. Must not know: to whom they may go.

import type { Sight } from './sight.ts';
import { NEVER, bits, both, either, is, isAtLeast, isFrom, isIn, isZero } from './terms.ts';
import type { Formula } from './terms.ts';

/** So many bytes behind a transport header of eight are one of these values. */
function says({ f }: Sight, at: number, bytes: number, ...values: readonly (number | bigint)[]): Formula {
  return is(f.payload(at, bytes), ...values);
}

function icmp({ f, family }: Sight, type: number, code: number): Formula {
  return both(is(f.icmp[family].type, type), is(f.icmp[family].code, code));
}

/** The IPv6 packet is so long, and nothing stands behind it. */
function isWhole6({ f }: Sight, ...lengths: readonly number[]): Formula {
  return either(...lengths.map((length) => both(is(f.ip[6].length, length), is(f.held, 40 + length))));
}

// ---- Addresses: RFC 826 for Ethernet and IPv4, RFC 2131, RFC 8415, RFC 4861.

const arp = ({ f }: Sight, operation: number): Formula =>
  both(is(f.arp.form, 0x000108000604n), is(f.arp.operation, operation));
export const asks4 = (s: Sight): Formula => arp(s, 1);
export const answers4 = (s: Sight): Formula => arp(s, 2);

/** Nothing behind ARP's message but the zeros that fill a short frame up. */
export function endsBare({ f }: Sight): Formula {
  const filled = [42, 46].map((held) => both(is(f.held, held), isZero(f.network(28, held - 28))));
  return either(is(f.held, 28), ...filled);
}

/** A request of at most 576 bytes whose fields of servers are empty. */
export function dhcpRequest(s: Sight): Formula {
  if (s.family === 6) return NEVER;
  const { udp, payload } = s.f;
  const empty = [payload(16, 12), payload(34, 10), payload(44, 192)].map(isZero);
  const sizes = both(isFrom(s.length, 0, 576), isFrom(udp.length, 248, 556));
  const ports = both(is(udp.source, 68), is(udp.destination, 67));
  return both(ports, sizes, says(s, 0, 4, 0x01010600), says(s, 236, 4, 0x63825363), ...empty);
}

export function dhcpReply(s: Sight): Formula {
  if (s.family === 6) return NEVER;
  const { destination, length } = s.f.udp;
  const head = both(says(s, 0, 3, 0x020106), says(s, 236, 4, 0x63825363));
  return both(is(destination, 68), isAtLeast(length, 248), head);
}

export function dhcp6Up(s: Sight): Formula {
  const { source, destination, length } = s.f.udp;
  const types = says(s, 0, 1, 1, 3, 4, 5, 6, 8, 9, 11);
  return both(is(source, 546), is(destination, 547), isAtLeast(length, 12), types);
}

export function dhcp6Down(s: Sight): Formula {
  const { destination, length } = s.f.udp;
  return both(is(destination, 546), isAtLeast(length, 12), says(s, 0, 1, 2, 7, 10));
}

/** Hop limit 255 proves that no router was crossed (RFC 4861 section 3.1). */
function discovery(s: Sight, type: number): Formula {
  return s.family === 4 ? NEVER : both(icmp(s, type, 0), is(s.f.ip[6].hops, 255));
}

/** What goes up has one option at most. */
export const asksRouter = (s: Sight): Formula =>
  both(discovery(s, 133), isWhole6(s, 8, 16), isIn(s.to, 'ff02::2'));
export const asks6 = (s: Sight): Formula => both(discovery(s, 135), isWhole6(s, 24, 32));
export const answers6 = (s: Sight): Formula => both(discovery(s, 136), isWhole6(s, 24, 32));
export const tellsRouter = (s: Sight): Formula => discovery(s, 134);
export const asked6 = (s: Sight): Formula => discovery(s, 135);
export const answered6 = (s: Sight): Formula => discovery(s, 136);

// ---- Reports about packets: RFC 792, RFC 1191, RFC 4443.

export function tooBig(s: Sight): Formula {
  return s.family === 4 ? icmp(s, 3, 4) : icmp(s, 2, 0);
}

/** Of at most 576 bytes (IPv6: 1280), about a packet over UDP from a tunnel's port. */
export function portUnreachable(s: Sight): Formula {
  const { f, family, length, k } = s;
  const report =
    family === 4
      ? both(icmp(s, 3, 3), isFrom(length, 56, 576))
      : both(icmp(s, 1, 4), isFrom(length, 56, 1240));
  const quotes =
    family === 4
      ? both(says(s, 0, 1, 0x45), isZero(bits(f.payload(6, 2), 3, 13)), says(s, 9, 1, 17))
      : both(is(bits(f.payload(0, 1), 0, 4), 6), says(s, 6, 1, 17));
  const from = f.payload(family === 4 ? 20 : 40, 2);
  return both(report, quotes, either(...k.udpPorts.map(([first, last]) => isFrom(from, first, last))));
}

// ---- Membership of groups: IGMP (RFC 2236, RFC 3376), MLD (RFC 2710, RFC 3810), with a router alert (RFC 2113, RFC 2711).

/** Groups of the link, and those that each interface joins by itself. */
const LINK_GROUPS = ['ff02::/112', 'ff02::1:2', 'ff02::1:3', 'ff02::1:ff00:0/104'];
const EIGHT = [1, 2, 3, 4, 5, 6, 7, 8] as const;

/** Hop limit 1, and the alert as the only option; of IPv6 from a link-local address or none. */
export function alerted(s: Sight): Formula {
  const { f, family, from } = s;
  const hops = is(f.ip[family].hops, 1);
  if (family === 4)
    return both(is(f.network(0, 1), 0x46), is(f.network(20, 4), 0x94040000n), s.protocol(2), hops);
  // Eight bytes of hop-by-hop: the alert and two of padding, in either order.
  const alert = both(is(f.network(40, 2), 0x3a00), is(f.network(42, 6), 0x010005020000n, 0x050200000100n));
  return both(is(f.network(6, 1), 0), hops, alert, isIn(from, '::', 'fe80::/10'));
}

/** Whole, without an alert. */
export function igmp(s: Sight): Formula {
  return s.family === 6 ? NEVER : both(s.protocol(2), is(s.f.ip[4].hops, 1));
}

export function aboutGroups(s: Sight): Formula {
  const { f, family, length } = s;
  const mld = both(is(f.icmp[6].type, 130, 131, 132, 143), is(f.icmp[6].code, 0));
  return both(isAtLeast(length, 32), family === 4 ? s.protocol(2) : mld);
}

/** A report or leave of at most eight groups of the link, without sources, and nothing behind it but zeros. */
export function report(s: Sight): Formula {
  return s.family === 4 ? isIgmpReport(s) : isMldReport(s);
}

function isIgmpReport({ f, to, length }: Sight): Formula {
  const sized = (bytes: number): Formula => {
    const filled = [42, 46].filter((held) => held > bytes);
    const zeros = filled.map((held) => both(is(f.held, held), isZero(f.network(bytes, held - bytes))));
    return both(is(length, bytes), either(is(f.held, bytes), ...zeros));
  };
  const isLinks = is(f.network(28, 3), 0xe00000);
  const report = both(is(f.network(24, 2), 0x1200, 0x1600), isIn(to, '224.0.0.0/24'));
  const leave = both(is(f.network(24, 2), 0x1700), isIn(to, '224.0.0.2'));
  const record = (at: number): Formula =>
    both(isFrom(f.network(at, 1), 1, 6), is(f.network(at + 1, 6), 0xe00000));
  const version3 = EIGHT.map((count) => {
    const records = EIGHT.slice(0, count).map((nth) => record(24 + 8 * nth));
    return both(sized(32 + 8 * count), is(f.network(28, 4), count), ...records);
  });
  return either(
    both(sized(32), isLinks, either(report, leave)),
    both(is(f.network(24, 2), 0x2200), isIn(to, '224.0.0.22'), either(...version3)),
  );
}

function isMldReport(s: Sight): Formula {
  const { f, to } = s;
  const isLinks = (at: number): Formula => isIn(f.transport(at, 16), ...LINK_GROUPS);
  const report = both(icmp(s, 131, 0), isIn(to, ...LINK_GROUPS));
  const done = both(icmp(s, 132, 0), isIn(to, 'ff02::2'));
  const record = (at: number): Formula =>
    both(isFrom(f.transport(at, 1), 1, 6), isZero(f.transport(at + 1, 3)), isLinks(at + 4));
  const version2 = EIGHT.map((count) => {
    const records = EIGHT.slice(0, count).map((nth) => record(20 * nth - 12));
    return both(isWhole6(s, 16 + 20 * count), is(f.transport(4, 4), count), ...records);
  });
  return either(
    both(isWhole6(s, 32), isZero(f.transport(4, 4)), isLinks(8), either(report, done)),
    both(icmp(s, 143, 0), isIn(to, 'ff02::16'), either(...version2)),
  );
}

// ---- What tells the local link which names are looked for (README.md, rule A): mDNS, LLMNR, SSDP, NetBIOS.

export function chatter({ f, to, family }: Sight): Formula {
  const group = (port: number, ...addresses: readonly string[]): Formula =>
    both(isIn(to, ...addresses), is(f.udp.destination, port));
  const netbios = both(is(f.mac.destination, 0xffffffffffffn), is(f.udp.destination, 137));
  return either(
    group(5353, '224.0.0.251', 'ff02::fb'),
    group(5355, '224.0.0.252', 'ff02::1:3'),
    group(1900, '239.255.255.250', 'ff02::c'),
    family === 4 ? netbios : NEVER,
  );
}
