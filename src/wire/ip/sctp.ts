// The chunks of an SCTP packet that carry data. Associations are not followed.
// RFC 9260 sections 3.1 (common header), 3.2 and 3.3.1 (DATA), RFC 8260 (I-DATA), RFC 6951 (SCTP in UDP, port 9899).

import { u16 } from '../octets.ts';

/** The UDP port on which SCTP packets are carried (RFC 6951). */
export const SCTP_IN_UDP_PORT = 9899;
const COMMON_HEADER = 12;
const DATA = 0;
const I_DATA = 64;
const DATA_HEADER = 16;
const I_DATA_HEADER = 20;
/** Flags B and E: the chunk is the first and the last fragment, so it has the whole message (RFC 9260 section 3.3.1). */
const WHOLE = 3;
/** A packet of 64 KiB has room for more chunks, but real ones have far fewer. */
const MAX_CHUNKS = 256;

/** Ports of SCTP (RFC 9260 section 3.1), from 0 to 65535. */
export interface SctpPorts {
  readonly source: number;
  readonly destination: number;
}

/**
 * The ports of the SCTP packet from `start` to before `end` (RFC 9260 section 3.1); undefined when it is too short for the common header
 * and one chunk header. Never throws.
 */
export function sctpPorts(bytes: Uint8Array, start: number, end: number): SctpPorts | undefined {
  if (end - start < COMMON_HEADER + 4) return undefined;
  return { source: u16(bytes, start), destination: u16(bytes, start + 2) };
}

/**
 * Calls `emit` with the data of every chunk, among the first 256, that contains a message or its first fragment (DATA, RFC 9260
 * section 3.3.1; I-DATA, RFC 8260). Offsets are into `bytes`, `end` exclusive and cut to the packet's; `isWhole` when all of the message
 * is there. Stops at a malformed chunk; never throws.
 */
export function sctpMessages(
  bytes: Uint8Array,
  start: number,
  end: number,
  emit: (start: number, end: number, isWhole: boolean) => void,
): void {
  let at = start + COMMON_HEADER;
  for (let left = MAX_CHUNKS; left > 0 && at + 4 <= end; left -= 1) {
    const type = bytes[at] ?? 0;
    const flags = bytes[at + 1] ?? 0;
    const length = u16(bytes, at + 2);
    if (length < 4) return;
    const header = type === DATA ? DATA_HEADER : type === I_DATA ? I_DATA_HEADER : 0;
    const data = at + header;
    const stop = Math.min(at + length, end);
    if (header > 0 && data < stop && (flags & 2) !== 0)
      emit(data, stop, (flags & WHOLE) === WHOLE && at + length <= end);
    at += length + (-length & 3);
  }
}
