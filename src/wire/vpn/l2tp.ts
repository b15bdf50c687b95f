// L2TP headers of versions 2 and 3, control and data; the PPP inside is ppp.ts.
// RFC 2661 section 3.1 (version 2), RFC 3931 sections 3.2.1, 4.1.1 and 4.1.2 (version 3 over IP and UDP).

import { u16, u32 } from '../octets.ts';

/** An L2TP header: RFC 2661 section 3.1 (version 2), RFC 3931 sections 3.2.1 and 4.1 (version 3). */
export interface L2tpPacket {
  readonly version: 2 | 3;
  readonly control: boolean;
  /** Version 2: the 16-bit tunnel id. Version 3: the 32-bit control connection id, -1 in data. */
  readonly tunnel: number;
  /** 16 bits in version 2, 32 in version 3, whose control messages have 0. */
  readonly session: number;
  /** Control: the message type in the first AVP, 1 (SCCRQ) and up, 0 for an empty acknowledgement. Data: -1. */
  readonly messageType: number;
  /** The offset in `bytes` after the header: of PPP (version 2) or the pseudowire (version 3), in control messages of the AVPs. */
  readonly dataOffset: number;
}

const TYPE = 0x8000;
const LENGTH = 0x4000;
const SEQUENCE = 0x0800;
const OFFSET = 0x0200;
/** The reserved bits of version 2: 2, 3, 5, 8 to 11. */
const RESERVED = 0x34f0;

/**
 * The L2TP header of a UDP payload (RFC 2661 section 3.1, RFC 3931 section 4.1.2); undefined when it is malformed, cut off, or data
 * without tunnel or session. On ports other than 1701 a data message is weak evidence: all that is checked are eleven zero bits and a
 * version. `wireEnd` is the exclusive offset where the payload ended before the capture cut it to `end`. Never throws.
 */
export function l2tpPacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd = end,
): L2tpPacket | undefined {
  if (end - start < 6) return undefined;
  const flags = u16(bytes, start);
  const version = flags & 15;
  if ((flags & RESERVED) !== 0) return undefined;
  if ((flags & TYPE) !== 0) return control(bytes, start, end, flags);
  if (version === 2) return data2(bytes, start, end, wireEnd, flags);
  const plain3 = version === 3 && flags === 3 && u16(bytes, start + 2) === 0 && end - start >= 8;
  return plain3 ? data3(bytes, start + 4, start + 8) : undefined;
}

/**
 * The header of an IP protocol 115 payload (RFC 3931 section 4.1.1, version 3). Session 0 announces a control message; undefined when that
 * is malformed, or the payload has fewer than four octets. Never throws.
 */
export function l2tpOverIp(bytes: Uint8Array, start: number, end: number): L2tpPacket | undefined {
  if (end - start < 4) return undefined;
  if (u32(bytes, start) !== 0) return data3(bytes, start, start + 4);
  const flags = u16(bytes, start + 4);
  return end - start >= 16 && (flags & 15) === 3 ? control(bytes, start + 4, end, flags) : undefined;
}

function control(bytes: Uint8Array, start: number, end: number, flags: number): L2tpPacket | undefined {
  const version = flags & 15;
  // Control messages have a length and sequence numbers, no offset and no priority.
  const shape = flags & (TYPE | LENGTH | SEQUENCE | OFFSET | 0x0100);
  if (shape !== (TYPE | LENGTH | SEQUENCE) || (version !== 2 && version !== 3)) return undefined;
  const length = u16(bytes, start + 2);
  if (length < 12 || start + length > end) return undefined;
  const messageType = length === 12 ? 0 : firstAvp(bytes, start + 12, start + length);
  if (messageType === undefined) return undefined;
  const isV2 = version === 2;
  return {
    version,
    control: true,
    tunnel: isV2 ? u16(bytes, start + 4) : u32(bytes, start + 4),
    session: isV2 ? u16(bytes, start + 6) : 0,
    messageType,
    dataOffset: start + 12,
  };
}

/** The message type, from the AVP that must come first (RFC 2661 section 4.4.1): vendor 0, attribute 0, eight octets. */
function firstAvp(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (end - at < 8 || (u16(bytes, at) & 0x3ff) !== 8 || u32(bytes, at + 2) !== 0) return undefined;
  const type = u16(bytes, at + 6);
  return type >= 1 && type <= 32 ? type : undefined;
}

function data2(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  flags: number,
): L2tpPacket | undefined {
  let at = start + 2;
  if ((flags & LENGTH) !== 0) {
    const length = u16(bytes, at);
    if (length < 8 || start + length > wireEnd) return undefined;
    at += 2;
  }
  const tunnel = u16(bytes, at);
  const session = u16(bytes, at + 2);
  at += 4;
  if ((flags & SEQUENCE) !== 0) at += 4;
  if ((flags & OFFSET) !== 0) at += 2 + (at + 2 <= end ? u16(bytes, at) : 0);
  if (at >= end || tunnel === 0 || session === 0) return undefined;
  return { version: 2, control: false, tunnel, session, messageType: -1, dataOffset: at };
}

function data3(bytes: Uint8Array, sessionAt: number, dataOffset: number): L2tpPacket | undefined {
  const session = u32(bytes, sessionAt);
  if (session === 0) return undefined;
  return { version: 3, control: false, tunnel: -1, session, messageType: -1, dataOffset };
}
