// Reads which groups an IGMP or MLD message is about, as far as a packet filter can tell: it compares fields at fixed offsets with
// constants, so a message of another form counts as having no groups.
// RFC 1112, 2236, 9776 (IGMP), 2710, 3810 (MLD), 2113 and 2711 (router alert). Allocates nothing, never throws.

import { ROUTER_ALERT_V4, ROUTER_ALERT_V6 } from '../../wire/ip/ip.ts';
import { u16, u32 } from '../../wire/octets.ts';
import { MAX_RECORDS } from '../parsed-packet.ts';
import type { Membership } from '../parsed-packet.ts';
import { Icmp6, isListenerDiscovery } from '../../wire/ip/icmp.ts';

const IGMP_V1_REPORT = 0x12;
const IGMP_V2_REPORT = 0x16;
const IGMP_LEAVE = 0x17;
const IGMP_V3_REPORT = 0x22;

/** 224.0.0.2, 224.0.0.22. */
const ALL_ROUTERS_4 = 0xe0000002;
const IGMP_V3_ROUTERS = 0xe0000016;
/** The IPv4 options field with only the alert: type, length 4, value 0. */
const ALERT_4 = ROUTER_ALERT_V4 * 0x1000000 + 0x40000;

/**
 * Which groups the IGMP message in an unfragmented IPv4 packet of protocol 2 is about (RFC 2236, RFC 9776), as far as a packet filter can
 * tell. The packet's header is at `at`; `total` is its length in octets with the header, `end` the exclusive end of the captured octets.
 * `link` only if all of it was captured. Never throws.
 */
export function igmpMembership(bytes: Uint8Array, at: number, total: number, end: number): Membership {
  const group = u32(bytes, at + 16);
  if (bytes[at + 8] !== 1 || group >>> 28 !== 0xe) return 'none';
  // Queries of old routers have no router alert.
  if (bytes[at] === 0x45) return 'any';
  if (bytes[at] !== 0x46 || total < 32 || end - at < 32 || u32(bytes, at + 20) !== ALERT_4) return 'none';
  return end - at >= total && isLinkReport4(bytes, at + 24, total - 24, group) ? 'link' : 'any';
}

function isLinkReport4(bytes: Uint8Array, at: number, length: number, to: number): boolean {
  if (bytes[at + 1] !== 0) return false;
  const type = bytes[at];
  if (type === IGMP_V1_REPORT || type === IGMP_V2_REPORT)
    return length === 8 && isLinkGroup4(to) && isLinkGroup4(u32(bytes, at + 4));
  if (type === IGMP_LEAVE) return length === 8 && to === ALL_ROUTERS_4 && isLinkGroup4(u32(bytes, at + 4));
  const records = u32(bytes, at + 4);
  if (type !== IGMP_V3_REPORT || to !== IGMP_V3_ROUTERS || records < 1 || records > MAX_RECORDS) return false;
  if (length !== 8 + 8 * records) return false;
  for (let record = at + 8; record < at + length; record += 8)
    if (!isPlainRecord(bytes, record) || !isLinkGroup4(u32(bytes, record + 4))) return false;
  return true;
}

/** 224.0.0.0/24, which no router forwards (RFC 5771 section 4). */
function isLinkGroup4(group: number): boolean {
  return group >>> 8 === 0xe00000;
}

/** Type 1 to 6, no auxiliary data, no sources (RFC 9776 section 4.2.13, RFC 3810 section 5.2.12). */
function isPlainRecord(bytes: Uint8Array, at: number): boolean {
  const type = bytes[at] ?? 0;
  return type >= 1 && type <= 6 && bytes[at + 1] === 0 && u16(bytes, at + 2) === 0;
}

/**
 * Which groups the MLD message (RFC 2710, RFC 3810) in an IPv6 packet at `at`, with a hop-by-hop header of eight octets and then ICMPv6, is
 * about; `none` for other ICMPv6 messages. `total` and `end` as for igmpMembership. Never throws.
 */
export function mldMembership(bytes: Uint8Array, at: number, total: number, end: number): Membership {
  const message = at + 48;
  const type = bytes[message] ?? 0;
  if (total < 72 || end < at + 72 || bytes[at + 7] !== 1 || bytes[message + 1] !== 0) return 'none';
  if (!isListenerDiscovery(type)) return 'none';
  if (!isLinkLocalOrUnspecified(bytes, at + 8) || bytes[at + 24] !== 0xff || !isAlert6(bytes, at + 40))
    return 'none';
  return end - at >= total && isLinkReport6(bytes, at, message, total - 48) ? 'link' : 'any';
}

/** Whether an address is link-local or unspecified, as the source must be (RFC 3810 section 5.2.13). */
function isLinkLocalOrUnspecified(bytes: Uint8Array, at: number): boolean {
  if ((u16(bytes, at) & 0xffc0) === 0xfe80) return true;
  return (
    u32(bytes, at) === 0 && u32(bytes, at + 4) === 0 && u32(bytes, at + 8) === 0 && u32(bytes, at + 12) === 0
  );
}

/** The alert and two octets of padding; hosts differ in their order. */
function isAlert6(bytes: Uint8Array, at: number): boolean {
  const [first, second] = [u32(bytes, at + 2), u16(bytes, at + 6)];
  const option = ROUTER_ALERT_V6 * 0x1000000 + 0x20000;
  return (
    (first === option && second === 0x0100) ||
    (first === 0x01000000 + ROUTER_ALERT_V6 * 256 + 2 && second === 0)
  );
}

function isLinkReport6(bytes: Uint8Array, at: number, message: number, length: number): boolean {
  const to = at + 24;
  if (bytes[message] !== Icmp6.MLD2_REPORT) {
    const isDone = bytes[message] === Icmp6.MLD_DONE;
    if (length !== 24 || (!isDone && bytes[message] !== Icmp6.MLD_REPORT) || u32(bytes, message + 4) !== 0)
      return false;
    return isLinkGroup6(bytes, message + 8) && (isDone ? isLinkNode(bytes, to, 2) : isLinkGroup6(bytes, to));
  }
  const records = u32(bytes, message + 4);
  if (!isLinkNode(bytes, to, 0x16) || records < 1 || records > MAX_RECORDS || length !== 8 + 20 * records)
    return false;
  for (let record = message + 8; record < message + length; record += 20)
    if (!isPlainRecord(bytes, record) || !isLinkGroup6(bytes, record + 4)) return false;
  return true;
}

function isLinkNode(bytes: Uint8Array, at: number, last: number): boolean {
  return isLinkScope(bytes, at) && u16(bytes, at + 10) === 0 && u32(bytes, at + 12) === last;
}

/** ff02::/80. */
function isLinkScope(bytes: Uint8Array, at: number): boolean {
  return u32(bytes, at) === 0xff020000 && u32(bytes, at + 4) === 0 && u16(bytes, at + 8) === 0;
}

/**
 * Groups that every host joins, or that follow from its addresses: ff02::/112, DHCP's ff02::1:2, LLMNR's ff02::1:3, and the
 * solicited-node groups ff02::1:ff00:0/104.
 */
function isLinkGroup6(bytes: Uint8Array, at: number): boolean {
  if (!isLinkScope(bytes, at)) return false;
  const [high, low] = [u16(bytes, at + 10), u32(bytes, at + 12)];
  if (high === 0) return low <= 0xffff || low === 0x10002 || low === 0x10003;
  return high === 1 && low >>> 24 === 0xff;
}
