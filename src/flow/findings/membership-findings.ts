// Knows: which groups an IGMP or MLD report names, for people. Must not know: which of them may be named, policy.
// Follows RFC 2236, 9776 (IGMP), 2710, 3810 (MLD). Never throws; a report may name more groups than are told.

import { addressText } from '../../wire/ip/address.ts';
import { u16, u32 } from '../../wire/octets.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';

/** Groups that are told; of more it is told that there are more. */
const MOST = 8;
/** Reports of one group each: IGMPv1, IGMPv2, leave; MLD, done. */
const SINGLE: ReadonlySet<number> = new Set([0x12, 0x16, 0x17, 131, 132]);
/** IGMPv3 and MLDv2. */
const REPORTS: ReadonlySet<number> = new Set([0x22, 143]);
const MAPPED = 0xffff;

/** Findings of the message that `packet` were read from, or undefined when it names no group. */
export function membershipFindings(bytes: Uint8Array, packet: ParsedPacket): Findings | undefined {
  const { upperOffset: at, payloadEnd: end } = packet;
  const type = bytes[at] ?? 0;
  const four = packet.ipVersion === 4;
  const width = four ? 4 : 16;
  const groups: string[] = [];
  const add = (from: number): void => {
    const address = four
      ? Uint32Array.of(0, 0, MAPPED, u32(bytes, from))
      : Uint32Array.from([0, 4, 8, 12], (word) => u32(bytes, from + word));
    const text = addressText(four ? 4 : 6, address);
    if (!groups.includes(text)) groups.push(text);
  };
  if (SINGLE.has(type)) {
    const from = at + (four ? 4 : 8);
    if (from + width <= end) add(from);
  } else if (REPORTS.has(type)) {
    let record = at + 8;
    for (let left = u16(bytes, at + 6); left > 0 && record + 4 + width <= end; left -= 1) {
      if (groups.length >= MOST) return found([...groups, 'and more']);
      add(record + 4);
      record += 4 + width + u16(bytes, record + 2) * width + (bytes[record + 1] ?? 0) * 4;
    }
  }
  return groups.length === 0 ? undefined : found(groups);
}

function found(groups: readonly string[]): Findings {
  return { names: [], answers: [], groups };
}
