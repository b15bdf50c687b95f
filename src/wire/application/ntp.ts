// The header of NTP packets: RFC 5905 (version 4), RFC 1305 (3), RFC 1119 (2), RFC 1059 (1), RFC 9327 (control messages).

import { u16 } from '../octets.ts';

/** A checked NTP header (RFC 5905 section 7.3). */
export interface NtpPacket {
  /** 1 to 4. */
  readonly version: number;
  /** 1, 2 symmetric, 3 client, 4 server, 5 broadcast, 6 control, 7 private. */
  readonly mode: number;
  /** 0 to 16; -1 for modes 6 and 7, which have no stratum. */
  readonly stratum: number;
}

const HEADER = 48;
const CONTROL_HEADER = 12;
const PRIVATE_HEADER = 8;
/** Control and private messages have some 500 octets of data; even with NTS cookies a packet is shorter than a QUIC Initial (1200). */
const LONGEST = 1199;

/**
 * The NTP header of a UDP payload (RFC 5905 section 7.3, RFC 9327 for mode 6), or undefined when version, mode, stratum, poll, precision or
 * length are not valid. Ports are not checked: on any other than 123 one packet is weak evidence. Never throws.
 */
export function ntpPacket(bytes: Uint8Array, start: number, end: number): NtpPacket | undefined {
  const head = bytes[start];
  if (head === undefined || end <= start) return undefined;
  const version = (head >>> 3) & 7;
  const mode = head & 7;
  const length = end - start;
  // QUIC's long headers begin like a private message of version 0 or 1, but such packets are longer than any NTP packet.
  if (length > LONGEST) return undefined;
  if (version < 1 || version > 4 || mode === 0) return undefined;
  if (mode === 6) return isControl(bytes, start, length) ? { version, mode, stratum: -1 } : undefined;
  // Whether requests of mode 7 are padded depends on the implementation, so only the header is checked.
  if (mode === 7) return length >= PRIVATE_HEADER ? { version, mode, stratum: -1 } : undefined;
  const stratum = bytes[start + 1] ?? 0;
  return isTime(bytes, start, end, stratum) ? { version, mode, stratum } : undefined;
}

function isControl(bytes: Uint8Array, start: number, length: number): boolean {
  const opcode = (bytes[start + 1] ?? 0) & 0x1f;
  const count = u16(bytes, start + 10);
  return length >= CONTROL_HEADER && (opcode <= 12 || opcode === 31) && CONTROL_HEADER + count <= length;
}

function isTime(bytes: Uint8Array, start: number, end: number, stratum: number): boolean {
  const length = end - start;
  if (length < HEADER || length % 4 !== 0 || stratum > 16) return false;
  const poll = bytes[start + 2] ?? 0;
  const precision = bytes[start + 3] ?? 0;
  // Poll is 2^n seconds, n up to 17; precision is 2^n seconds (n a signed octet), or 0 where a simple client leaves it out.
  if (poll > 17 && poll < 0xfa) return false;
  return precision <= 20 || precision >= 0xc0;
}
