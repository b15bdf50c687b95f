// Knows: IGMP messages of all three versions. Must not know: IP options, policy.
// Follows RFC 1112 (version 1), RFC 2236 (version 2), RFC 9776 (version 3).

import { u16, u32 } from './octets.ts';

/** An IGMP message: the groups are IPv4 addresses as numbers, at most the first sixteen of a version 3 report. */
export interface IgmpMessage {
  readonly type: 'query' | 'report' | 'leave';
  readonly version: 1 | 2 | 3;
  readonly groups: readonly number[];
}

const MAX_GROUPS = 16;

/** The IGMP message of an IP protocol 2 packet, or undefined for another type or one too short for its records. */
export function igmpMessage(bytes: Uint8Array, start: number, end: number): IgmpMessage | undefined {
  if (end - start < 8) return undefined;
  const group = [u32(bytes, start + 4)];
  switch (bytes[start]) {
    case 0x11: {
      const version = end - start >= 12 ? 3 : bytes[start + 1] === 0 ? 1 : 2;
      return { type: 'query', version, groups: group };
    }
    case 0x12:
      return { type: 'report', version: 1, groups: group };
    case 0x16:
      return { type: 'report', version: 2, groups: group };
    case 0x17:
      return { type: 'leave', version: 2, groups: group };
    case 0x22:
      return version3Report(bytes, start, end);
    default:
      return undefined;
  }
}

function version3Report(bytes: Uint8Array, start: number, end: number): IgmpMessage | undefined {
  const groups: number[] = [];
  let at = start + 8;
  for (let left = u16(bytes, start + 6); left > 0; left -= 1) {
    if (at + 8 > end) return undefined;
    if (groups.length < MAX_GROUPS) groups.push(u32(bytes, at + 4));
    at += 8 + 4 * (u16(bytes, at + 2) + (bytes[at + 1] ?? 0));
  }
  return at <= end ? { type: 'report', version: 3, groups } : undefined;
}
