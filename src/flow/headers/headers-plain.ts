// A shortcut for what nearly every tunnel packet is: Ethernet, IPv4 without options, unfragmented, UDP. If the previous frame was one
// of these, only the fields that can differ need to be written. A test checks that headers.ts gives the same for any sequence of frames.

import { EtherType, HEADER_LENGTH } from '../../wire/link/ethernet.ts';
import { IPV4_HEADER, Protocol, UDP_HEADER } from '../../wire/ip/ip.ts';
import { readHead, u16, u32 } from '../../wire/octets.ts';
import { NO_FINDINGS, NO_QUESTIONS } from '../parsed-packet.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

const HEADERS = HEADER_LENGTH + IPV4_HEADER + UDP_HEADER;
/** Version 4, five words of header. */
const PLAIN_IPV4 = 0x45;
/** More fragments, and the offset. */
const FRAGMENT_BITS = 0x3fff;
const BOOTP_SERVER = 67;
const BOOTP_CLIENT = 68;

/** Whether a packet, read from an Ethernet frame, is plain UDP, so that the next frame may take the shortcut. */
export function isPlainUdp(packet: ParsedPacket): boolean {
  return (
    packet.protocol === Protocol.UDP &&
    packet.malformed === undefined &&
    packet.ipVersion === 4 &&
    packet.outerEtherType === EtherType.IPV4 &&
    !packet.ipOptions &&
    !packet.moreFragments &&
    packet.fragmentOffset === 0 &&
    !isBootp(packet.destinationPort)
  );
}

function isBootp(port: number): boolean {
  return port === BOOTP_SERVER || port === BOOTP_CLIENT;
}

/**
 * Whether the Ethernet frame in `bytes[start, end)` looks plain: untagged, IPv4 (RFC 791) with 20 octets of header, no fragment, UDP; its
 * length fields are not checked.
 */
export function beginsPlain(bytes: Uint8Array, start: number, end: number): boolean {
  const ip = start + HEADER_LENGTH;
  return (
    end - start >= HEADERS &&
    bytes[ip] === PLAIN_IPV4 &&
    bytes[ip + 9] === Protocol.UDP &&
    u16(bytes, start + 12) === EtherType.IPV4 &&
    (u16(bytes, ip + 6) & FRAGMENT_BITS) === 0
  );
}

/**
 * Reads the plain frame in `bytes[start, end)`, of `wireLength` octets on the wire, into a packet for which `isPlainUdp` is true, and
 * returns true; if the frame is not plain or its length fields (RFC 791, RFC 768) are wrong, returns false and writes nothing. Allocates
 * nothing, never throws.
 */
export function readPlainUdp(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireLength: number,
  packet: ParsedPacket,
): boolean {
  if (!beginsPlain(bytes, start, end)) return false;
  const captured = end - start;
  const ip = start + HEADER_LENGTH;
  const udp = ip + IPV4_HEADER;
  const total = u16(bytes, ip + 2);
  const onWire = (wireLength < captured ? captured : wireLength) - HEADER_LENGTH;
  const udpLength = u16(bytes, udp + 4);
  if (total > onWire || udpLength < UDP_HEADER || udpLength > total - IPV4_HEADER) return false;
  const destinationPort = u16(bytes, udp + 2);
  if (isBootp(destinationPort)) return false;
  const payload = udp + UDP_HEADER;
  const payloadEnd = udp + udpLength < end ? udp + udpLength : end;
  packet.length = wireLength;
  packet.captured = captured;
  packet.destinationMac = u16(bytes, start) * 0x100000000 + u32(bytes, start + 2);
  packet.sourceMac = u16(bytes, start + 6) * 0x100000000 + u32(bytes, start + 8);
  packet.ipLength = total;
  packet.fragmentIdentification = u16(bytes, ip + 4);
  packet.hopLimit = bytes[ip + 8] ?? 0;
  packet.source[3] = u32(bytes, ip + 12);
  packet.destination[3] = u32(bytes, ip + 16);
  packet.sourcePort = u16(bytes, udp);
  packet.destinationPort = destinationPort;
  packet.udpLength = udpLength;
  packet.upperOffset = udp;
  packet.payloadOffset = payload;
  packet.payloadEnd = payloadEnd;
  packet.payloadLength = udpLength - UDP_HEADER;
  if (payloadEnd - payload >= 12) {
    packet.payloadHead = u32(bytes, payload);
    packet.payloadHead2 = u32(bytes, payload + 4);
    packet.payloadHead3 = u32(bytes, payload + 8);
  } else {
    packet.payloadHead = readHead(bytes, payload, payloadEnd);
    packet.payloadHead2 = readHead(bytes, payload + 4, payloadEnd);
    packet.payloadHead3 = readHead(bytes, payload + 8, payloadEnd);
  }
  packet.fromServer = false;
  packet.direction = undefined;
  packet.flowName = '';
  packet.connection = undefined;
  packet.wholeQuestion = '';
  packet.questions = NO_QUESTIONS;
  packet.answered = false;
  packet.kind = 'malformed';
  packet.findings = NO_FINDINGS;
  return true;
}
