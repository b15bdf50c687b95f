// The groups in an IGMP or MLD report, as text for people: RFC 2236, 9776 (IGMP), 2710, 3810 (MLD). Never throws.

import { addressText } from '../../wire/ip/address.ts';
import { u16, u32 } from '../../wire/octets.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';

/** How many groups are listed; if there are more, a last entry says so. */
const MAX_GROUPS = 8;
/** Messages about one group: the reports of IGMPv1 and IGMPv2, leave; MLD's report and done. */
const SINGLE: ReadonlySet<number> = new Set([0x12, 0x16, 0x17, 131, 132]);
/** The reports of IGMPv3 and MLDv2, which have records. */
const REPORTS: ReadonlySet<number> = new Set([0x22, 143]);
const MAPPED = 0xffff;

/**
 * Findings of the IGMP or MLD message that `packet` was read from: the groups of a report or leave as texts, each once, in order, at most
 * eight and then `and more` (RFC 9776 section 4.2, RFC 3810 section 5.2). Undefined when it names no group. Never throws.
 */
export function membershipFindings(bytes: Uint8Array, packet: ParsedPacket): Findings | undefined {
  const { upperOffset: at, payloadEnd: end } = packet;
  const type = bytes[at] ?? 0;
  const isIpv4 = packet.ipVersion === 4;
  const width = isIpv4 ? 4 : 16;
  const groups: string[] = [];
  const add = (from: number): void => {
    const address = isIpv4
      ? Uint32Array.of(0, 0, MAPPED, u32(bytes, from))
      : Uint32Array.from([0, 4, 8, 12], (word) => u32(bytes, from + word));
    const text = addressText(isIpv4 ? 4 : 6, address);
    if (!groups.includes(text)) groups.push(text);
  };
  if (SINGLE.has(type)) {
    const from = at + (isIpv4 ? 4 : 8);
    if (from + width <= end) add(from);
  } else if (REPORTS.has(type)) {
    let record = at + 8;
    for (let left = u16(bytes, at + 6); left > 0 && record + 4 + width <= end; left -= 1) {
      if (groups.length >= MAX_GROUPS) return found([...groups, 'and more']);
      add(record + 4);
      record += 4 + width + u16(bytes, record + 2) * width + (bytes[record + 1] ?? 0) * 4;
    }
  }
  return groups.length === 0 ? undefined : found(groups);
}

function found(groups: readonly string[]): Findings {
  return { names: [], answers: [], groups };
}
