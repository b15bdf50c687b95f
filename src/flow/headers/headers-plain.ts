// Knows: a shortcut for the frame that nearly every tunnel packet is: Ethernet, IPv4 without options, whole, UDP. Must not know:
// policy. Follows the same RFCs as headers.ts, and a test holds both to the same result for any sequence of frames.
// When the frame before was such a one, only what differs between two of them has to be written.

import { EtherType, HEADER_LENGTH } from '../../wire/link/ethernet.ts';
import { IPV4_HEADER, Protocol, UDP_HEADER } from '../../wire/ip/ip.ts';
import { readHead, u16, u32 } from '../../wire/octets.ts';
import { NO_FINDINGS, NO_QUESTIONS } from '../facts.ts';
import type { Facts } from '../facts.ts';

const HEADERS = HEADER_LENGTH + IPV4_HEADER + UDP_HEADER;
/** Version 4, five words of header. */
const PLAIN_IPV4 = 0x45;
/** More fragments, and the offset. */
const FRAGMENT_BITS = 0x3fff;
const BOOTP_SERVER = 67;
const BOOTP_CLIENT = 68;

/** Whether these facts, read from an Ethernet frame, are of the plain kind: the next frame may then take the shortcut. */
export function isPlainUdp(facts: Facts): boolean {
  return (
    facts.protocol === Protocol.UDP &&
    facts.malformed === undefined &&
    facts.ipVersion === 4 &&
    facts.outerEtherType === EtherType.IPV4 &&
    !facts.ipOptions &&
    !facts.moreFragments &&
    facts.fragmentOffset === 0 &&
    !isBootp(facts.destinationPort)
  );
}

function isBootp(port: number): boolean {
  return port === BOOTP_SERVER || port === BOOTP_CLIENT;
}

/** Whether an Ethernet frame looks plain so far; its lengths are not looked at. */
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

/** Reads the frame into facts that `isPlainUdp`; false, with nothing written, when it is not plain itself. */
export function readPlainUdp(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireLength: number,
  facts: Facts,
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
  facts.length = wireLength;
  facts.captured = captured;
  facts.destinationMac = u16(bytes, start) * 0x100000000 + u32(bytes, start + 2);
  facts.sourceMac = u16(bytes, start + 6) * 0x100000000 + u32(bytes, start + 8);
  facts.ipLength = total;
  facts.fragmentIdentification = u16(bytes, ip + 4);
  facts.hopLimit = bytes[ip + 8] ?? 0;
  facts.source[3] = u32(bytes, ip + 12);
  facts.destination[3] = u32(bytes, ip + 16);
  facts.sourcePort = u16(bytes, udp);
  facts.destinationPort = destinationPort;
  facts.udpLength = udpLength;
  facts.upperOffset = udp;
  facts.payloadOffset = payload;
  facts.payloadEnd = payloadEnd;
  facts.payloadLength = udpLength - UDP_HEADER;
  if (payloadEnd - payload >= 12) {
    facts.payloadHead = u32(bytes, payload);
    facts.payloadHead2 = u32(bytes, payload + 4);
    facts.payloadHead3 = u32(bytes, payload + 8);
  } else {
    facts.payloadHead = readHead(bytes, payload, payloadEnd);
    facts.payloadHead2 = readHead(bytes, payload + 4, payloadEnd);
    facts.payloadHead3 = readHead(bytes, payload + 8, payloadEnd);
  }
  facts.fromServer = false;
  facts.direction = undefined;
  facts.flowName = '';
  facts.connection = undefined;
  facts.wholeQuestion = '';
  facts.questions = NO_QUESTIONS;
  facts.answered = false;
  facts.kind = 'malformed';
  facts.findings = NO_FINDINGS;
  return true;
}
