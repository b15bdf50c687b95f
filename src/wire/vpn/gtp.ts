// Finds the user's packet after a GTP-U header: 3GPP TS 29.281 section 5.1 (version 1, message type 255).

import { innerIp } from './inner.ts';
import type { Inner } from './inner.ts';
import { u16 } from '../octets.ts';

const G_PDU = 0xff;
const MAX_EXTENSIONS = 16;

/**
 * The IP packet in a UDP payload on port 2152 (3GPP TS 29.281 section 5.1); undefined when it is not a G-PDU, has more than 16 extension
 * headers, or its lengths do not add up. `wireEnd` is the exclusive offset where the payload ended before the capture cut it to `end`.
 * Never throws.
 */
export function gtpInner(bytes: Uint8Array, start: number, end: number, wireEnd = end): Inner | undefined {
  if (end - start < 8 || (bytes[start] ?? 0) >>> 4 !== 3 || bytes[start + 1] !== G_PDU) return undefined;
  const flags = bytes[start] ?? 0;
  const announced = start + 8 + u16(bytes, start + 2);
  if (announced > wireEnd) return undefined;
  const stop = Math.min(announced, end);
  let at = start + 8;
  if ((flags & 7) !== 0) {
    // Sequence number, N-PDU number and the type of the first extension header are all present or all absent.
    at += 4;
    let next = (flags & 4) !== 0 && at <= stop ? (bytes[at - 1] ?? 0) : 0;
    for (let left = MAX_EXTENSIONS; next !== 0; left -= 1) {
      const length = at < stop ? 4 * (bytes[at] ?? 0) : 0;
      if (length === 0 || at + length > stop || left === 0) return undefined;
      at += length;
      next = bytes[at - 1] ?? 0;
    }
  }
  return innerIp(bytes, at, stop);
}
