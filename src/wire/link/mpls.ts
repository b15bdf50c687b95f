// MPLS label stacks and what appears to follow them.
// RFC 3032 (stack, reserved labels), RFC 4385 (control word of pseudowires), RFC 4928 (the first nibble).

import { innerFrame, innerIp, type Inner } from '../vpn/inner.ts';
import { u32 } from '../octets.ts';

/** A label stack (RFC 3032 section 2.1) and what follows it. */
export interface MplsStack {
  /** How many labels there are, from 1 to 16. */
  readonly labels: number;
  /** The 20-bit label at the bottom of the stack. */
  readonly bottom: number;
  /** The packet; undefined when it is neither IP nor a pseudowire. */
  readonly inner: Inner | undefined;
}

/** No network builds a deeper stack, so that would be noise. */
const MAX_LABELS = 16;

/**
 * The label stack at `start` (EtherTypes 0x8847, 0x8848); undefined if its bottom (RFC 3032 section 2.1) is not among 16 labels before
 * `end`. Never throws.
 */
export function mplsStack(bytes: Uint8Array, start: number, end: number): MplsStack | undefined {
  for (let labels = 1, at = start; labels <= MAX_LABELS && at + 4 <= end; labels += 1, at += 4) {
    const entry = u32(bytes, at);
    if ((entry & 0x100) === 0) continue;
    return { labels, bottom: entry >>> 12, inner: payloadAt(bytes, at + 4, end) };
  }
  return undefined;
}

function payloadAt(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  const ip = innerIp(bytes, at, end);
  if (ip !== undefined) return ip;
  // A pseudowire may have a control word, which begins with a zero nibble. The frame is wherever that gives a plausible EtherType.
  const controlled = (bytes[at] ?? 0xff) >>> 4 === 0 ? innerFrame(bytes, at + 4, end) : undefined;
  return controlled ?? innerFrame(bytes, at, end);
}
