// PPPoE discovery and session frames (RFC 2516 section 4); the PPP inside is ppp.ts.

import { pppFrame, type PppFrame } from './ppp.ts';
import { u16 } from '../octets.ts';

/** A PPPoE frame. Discovery codes: 0x09 PADI, 0x07 PADO, 0x19 PADR, 0x65 PADS, 0xa7 PADT; 0 is session data, which has `ppp`. */
export interface PppoeFrame {
  readonly code: number;
  /** The session identifier, unsigned 16 bits; 0 before there is one. */
  readonly session: number;
  /** The PPP frame of a session frame, cut to the capture's end; undefined for discovery and when it has no valid protocol number. */
  readonly ppp: PppFrame | undefined;
}

/**
 * The PPPoE frame whose header (RFC 2516 section 4) is at `start` (EtherTypes 0x8863, 0x8864); undefined when the header is cut off, for
 * another version, and for a length past `wireEnd`, the exclusive offset where the frame ended before the capture cut it to `end`. Never
 * throws.
 */
export function pppoeFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd = end,
): PppoeFrame | undefined {
  if (end - start < 6 || bytes[start] !== 0x11) return undefined;
  const code = bytes[start + 1] ?? 0;
  const payloadEnd = start + 6 + u16(bytes, start + 4);
  if (payloadEnd > wireEnd) return undefined;
  const ppp = code === 0 ? pppFrame(bytes, start + 6, Math.min(payloadEnd, end)) : undefined;
  return { code, session: u16(bytes, start + 2), ppp };
}
