// Finds names in the packet that an ICMP error quotes. RFC 792, RFC 1812 section 4.3.2.3 (as much as fits), RFC 4443 section 3.
// Only whole UDP messages are read. Flows learn nothing from a quote: it is not one of their packets and does not prove that anyone asked.

import { EtherType } from '../../wire/link/ethernet.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { kindOfHeaders } from '../headers/classify.ts';
import { NO_FINDINGS } from '../parsed-packet.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { readInner } from '../headers/headers.ts';
import type { Kind } from '../kinds.ts';
import { readByPort } from '../datagrams/udp-ports.ts';

/** Unreachable, source quench, redirect, time exceeded, parameter problem. */
const ERRORS_V4: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
/** Unreachable, packet too big, time exceeded, parameter problem. */
const ERRORS_V6: ReadonlySet<number> = new Set([1, 2, 3, 4]);
const QUOTE_AT = 8;
const LONGEST_PACKET = 65_575;
const READ: ReadonlySet<Kind> = new Set<Kind>(['dns', 'mdns', 'llmnr', 'nbns']);

/**
 * Sets the names in the findings to those in the UDP packet that an ICMP error quotes (RFC 792, RFC 4443 section 3), as not asked; other
 * findings stay. `packet` must have been read from `bytes`; the quoted packet's headers are written to `quoted`, whatever it had. Never
 * throws.
 */
export function readQuote(bytes: Uint8Array, packet: ParsedPacket, quoted: ParsedPacket): void {
  const { icmpType, ipVersion, upperOffset, payloadEnd } = packet;
  if (packet.kind !== 'icmp' || !(ipVersion === 4 ? ERRORS_V4 : ERRORS_V6).has(icmpType)) return;
  const at = upperOffset + QUOTE_AT;
  const etherType = ipVersion === 4 ? EtherType.IPV4 : EtherType.IPV6;
  readInner(bytes, at, payloadEnd, at + LONGEST_PACKET, etherType, quoted);
  const isWhole = quoted.malformed === undefined && quoted.fragmentOffset === 0 && !quoted.moreFragments;
  if (!isWhole || quoted.protocol !== Protocol.UDP) return;
  quoted.kind = kindOfHeaders(quoted);
  if (!READ.has(quoted.kind)) return;
  if (!readByPort(bytes, quoted.payloadOffset, quoted.payloadEnd, quoted)) return;
  const names = quoted.findings.names.map((name) => ({ ...name, asked: false as const }));
  if (names.length === 0) return;
  packet.findings = { ...(packet.findings === NO_FINDINGS ? { answers: [] } : packet.findings), names };
}
