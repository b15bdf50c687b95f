// The GRE header in versions 0 and 1, up to where its payload begins.
// RFC 2784 and 2890 (version 0), RFC 1701 (source routes, which are refused), RFC 2637 section 4.1 (version 1, PPTP).

import type { Inner } from './inner.ts';
import { INNER_ETHERNET, INNER_PPP } from './inner.ts';
import { u16, u32 } from '../octets.ts';

/** MikroTik's Ethernet over IP uses version 1 with these flags and this protocol; the length and the tunnel's number precede a frame. */
const EOIP_FLAGS = 0x2001;
const EOIP = 0x6400;

/** A GRE header. */
export interface GrePacket {
  readonly version: 0 | 1;
  /** Version 0: the 32-bit key (RFC 2890), -1 when absent. Version 1: the 16-bit call id (RFC 2637) or MikroTik's tunnel number. */
  readonly key: number;
  /** The header has a sequence number. */
  readonly sequenced: boolean;
  /** The payload, cut to the capture's end; its EtherType may be INNER_PPP. */
  readonly inner: Inner;
}

/**
 * The GRE header of an IP protocol 47 payload from `start` to before `end` (RFC 2784 section 2, RFC 2637 section 4.1); undefined for
 * other versions, source routes, and lengths past `wireEnd`, the exclusive offset where the payload ended before the capture cut it.
 * An empty payload (version 1 acknowledgements) is allowed. Never throws.
 */
export function grePacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd = end,
): GrePacket | undefined {
  if (end - start < 4) return undefined;
  const flags = u16(bytes, start);
  const version = flags & 7;
  if (version === 0) return version0(bytes, start, end, flags);
  return version === 1 ? version1(bytes, start, end, wireEnd, flags) : undefined;
}

function version0(bytes: Uint8Array, start: number, end: number, flags: number): GrePacket | undefined {
  // Source routes (bit 1) vary in length, and RFC 2784 section 2.3 tells receivers to discard packets that have them.
  if ((flags & 0x4000) !== 0) return undefined;
  const checksum = (flags & 0x8000) !== 0 ? 4 : 0;
  const key = (flags & 0x2000) !== 0 ? 4 : 0;
  const sequence = (flags & 0x1000) !== 0 ? 4 : 0;
  const offset = start + 4 + checksum + key + sequence;
  if (offset > end) return undefined;
  return {
    version: 0,
    key: key > 0 ? u32(bytes, start + 4 + checksum) : -1,
    sequenced: sequence > 0,
    inner: { etherType: u16(bytes, start + 2), offset, end },
  };
}

function version1(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  flags: number,
): GrePacket | undefined {
  if (flags === EOIP_FLAGS && u16(bytes, start + 2) === EOIP) return eoip(bytes, start, end, wireEnd);
  // Key present, no checksum, no routing; the only protocol is PPP.
  if ((flags & 0xe000) !== 0x2000 || u16(bytes, start + 2) !== INNER_PPP || end - start < 8) return undefined;
  const sequence = (flags & 0x1000) !== 0 ? 4 : 0;
  const acknowledgement = (flags & 0x0080) !== 0 ? 4 : 0;
  const offset = start + 8 + sequence + acknowledgement;
  const innerEnd = offset + u16(bytes, start + 4);
  if (innerEnd > wireEnd) return undefined;
  return {
    version: 1,
    key: u16(bytes, start + 6),
    sequenced: sequence > 0,
    inner: { etherType: INNER_PPP, offset, end: Math.min(innerEnd, end) },
  };
}

function eoip(bytes: Uint8Array, start: number, end: number, wireEnd: number): GrePacket | undefined {
  const offset = start + 8;
  const innerEnd = offset + u16(bytes, start + 4);
  if (innerEnd > wireEnd) return undefined;
  const inner = { etherType: INNER_ETHERNET, offset, end: Math.min(innerEnd, end) };
  return { version: 1, key: u16(bytes, start + 6), sequenced: false, inner };
}
