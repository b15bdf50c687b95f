// What one captured frame says by itself, and where in its octets. The findings are those of the decoder that also serves the judge; here
// they are only located in the octets. Not the hot path: kept frames are read one at a time, each as if nothing had come before. The
// number of readings is bounded; those left out are counted.

import { addressText, isUnspecified, macText, parseAddress } from '../../wire/ip/address.ts';
import { HEADER_LENGTH } from '../../wire/link/ethernet.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { LinkType } from '../../wire/link/link-types.ts';
import { u16 } from '../../wire/octets.ts';
import { kindOfHeaders } from '../headers/classify.ts';
import { Dissector } from '../dissector.ts';
import type { DissectorPorts } from '../dissector.ts';
import { readDnsWhole } from './dns-whole.ts';
import { cutOff, readInside } from '../headers/encapsulation.ts';
import { ParsedPacket } from '../parsed-packet.ts';
import type { Findings } from '../parsed-packet.ts';
import { findLabels, findNetbios, findOctets, findText } from './find-octets.ts';
import type { Stretch } from './find-octets.ts';
import type { ByteRange, DnsReading, FrameReading, Reading, ReadingWhat } from './frame-reading.ts';
import type { Kind, Via } from '../kinds.ts';

/** How many readings of one frame are listed. */
export const MAX_READINGS = 64;
/** The most characters in one value. */
export const MAX_VALUE_LENGTH = 280;

/** One frame has one flow, and another one for each packet inside it. */
const LIMITS = { flows: 16, streamBytes: 65_536 };
/** How many nested packets are read. */
const MAX_PACKETS = 8;
const DNS_PORT = 53;
const ARP_SENDER = 14;
const ARP_TARGET = 24;
/** In these protocols names are DNS labels; the kinds have the same names. */
const AS_LABELS: ReadonlySet<string> = new Set<Via & Kind>(['dns', 'mdns', 'llmnr']);

/**
 * Reads a frame from Ethernet (from the destination's address on), or the beginning that was kept of it; `wireLength` is its length on the
 * wire in octets. The first MAX_READINGS readings, the others are counted in `more`; without `ports.quic` QUIC's names are not among them.
 * Never throws.
 */
export function readFrame(bytes: Uint8Array, wireLength: number, ports: DissectorPorts = {}): FrameReading {
  const dissector = new Dissector(ports, LIMITS);
  const packet = new ParsedPacket();
  const length = Math.max(wireLength, bytes.length);
  dissector.headers(bytes, 0, bytes.length, length, LinkType.ETHERNET, packet);
  dissector.application(bytes, packet, 0);
  const packets = packetsIn(bytes, packet);
  const innermost = packets.at(-1) ?? packet;
  const payload = {
    bytes,
    start: Math.min(innermost.payloadOffset, bytes.length),
    end: Math.min(innermost.payloadEnd, bytes.length),
  };
  const all = [
    ...kindReadings(packet),
    ...macReadings(packet),
    ...packets.flatMap((each) => packetReadings(bytes, each)),
    ...nameReadings(packet.findings, payload, innermost.protocol === Protocol.TCP),
    ...otherReadings(packet.findings, payload),
  ];
  const readings = all.slice(0, MAX_READINGS).map(({ value, ...rest }) => ({
    ...rest,
    value: value.length > MAX_VALUE_LENGTH ? `${value.slice(0, MAX_VALUE_LENGTH)}…` : value,
  }));
  return { readings, more: all.length - readings.length, dns: dnsOf(bytes, innermost, packet.kind) };
}

/** The frame's packet first, then each packet inside the one before. */
function packetsIn(bytes: Uint8Array, outer: ParsedPacket): readonly ParsedPacket[] {
  const packets = [outer];
  let last = outer;
  while (packets.length <= MAX_PACKETS && last.malformed === undefined) {
    if (last.fragmentOffset > 0 || last.moreFragments) break;
    const inner = new ParsedPacket();
    if (!readInside(bytes, last, inner)) break;
    inner.kind = kindOfHeaders(inner);
    packets.push(inner);
    last = inner;
  }
  return packets;
}

function kindReadings({ kind, malformed, findings }: ParsedPacket): readonly Reading[] {
  const { detail = '', suspected = false } = findings;
  const words = [kind, ...(suspected ? ['suspected'] : []), ...(detail === '' ? [] : [detail])];
  return [
    { what: 'kind', value: words.join(', '), marks: [] },
    ...(malformed === undefined ? [] : [{ what: 'malformed', value: malformed, marks: [] } as const]),
  ];
}

function macReadings({ malformed, sourceMac, destinationMac }: ParsedPacket): readonly Reading[] {
  if (malformed === 'ethernet-short') return [];
  return [
    { what: 'source-mac', value: macText(sourceMac), marks: [{ start: 6, end: 12 }] },
    { what: 'destination-mac', value: macText(destinationMac), marks: [{ start: 0, end: 6 }] },
  ];
}

function packetReadings(bytes: Uint8Array, packet: ParsedPacket): readonly Reading[] {
  const { ipVersion, arpOperation, sourcePort, destinationPort, upperOffset } = packet;
  if (ipVersion === 0 && arpOperation < 0) return [];
  const version = ipVersion === 6 ? 6 : 4;
  const ends = addressMarks(bytes, packet);
  const text = (words: Uint32Array): string => addressText(version, words);
  const readings: Reading[] = [
    { what: 'source', value: text(packet.source), marks: ends.slice(0, 1) },
    { what: 'destination', value: text(packet.destination), marks: ends.slice(1) },
  ];
  const port = (what: ReadingWhat, value: number, at: number): void => {
    const isThere = u16(bytes, at) === value && at + 2 <= bytes.length;
    readings.push({ what, value: String(value), marks: isThere ? [{ start: at, end: at + 2 }] : [] });
  };
  if (sourcePort >= 0) port('source-port', sourcePort, upperOffset);
  if (destinationPort >= 0) port('destination-port', destinationPort, upperOffset + 2);
  if (packet.target.some((word) => word !== 0)) {
    const marks = findOctets({ bytes, start: upperOffset, end: bytes.length }, octetsOf(packet.target, 6));
    readings.push({ what: 'target', value: addressText(6, packet.target), marks });
  }
  return readings;
}

/** In IP both addresses are side by side before the payload (RFC 791, RFC 8200), in ARP ten octets apart. */
function addressMarks(bytes: Uint8Array, packet: ParsedPacket): readonly ByteRange[] {
  const { source, destination, ipVersion, payloadOffset, upperOffset } = packet;
  const [from, to] = [octetsOf(source, ipVersion), octetsOf(destination, ipVersion)];
  const isAt = (octets: Uint8Array, at: number): boolean =>
    octets.every((octet, index) => bytes[at + index] === octet);
  const size = from.length;
  if (ipVersion === 0) {
    const [sender, target] = [payloadOffset + ARP_SENDER, payloadOffset + ARP_TARGET];
    const isArp = isAt(from, sender) && isAt(to, target);
    return isArp
      ? [
          { start: sender, end: sender + size },
          { start: target, end: target + size },
        ]
      : [];
  }
  for (let at = Math.min(upperOffset, bytes.length) - 2 * size; at >= 0; at -= 1)
    if (isAt(from, at) && isAt(to, at + size))
      return [
        { start: at, end: at + size },
        { start: at + size, end: at + 2 * size },
      ];
  return [];
}

function octetsOf(words: Uint32Array, ipVersion: 0 | 4 | 6): Uint8Array {
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word);
  return ipVersion === 6 ? octets : octets.subarray(12);
}

function nameReadings(
  { names, recognition }: Findings,
  payload: Stretch,
  isTcp: boolean,
): readonly Reading[] {
  const some = names.slice(0, MAX_READINGS);
  const wanted = (vias: (via: Via) => boolean): ReadonlySet<string> =>
    new Set(some.filter(({ via }) => vias(via)).map(({ name }) => name));
  // Over TCP the message follows its length (RFC 7766 section 8).
  const message = isTcp ? { ...payload, start: Math.min(payload.start + 2, payload.end) } : payload;
  const labels = findLabels(
    message,
    wanted((via) => AS_LABELS.has(via)),
  );
  const netbios = findNetbios(
    payload,
    wanted((via) => via === 'nbns'),
  );
  const marksOf = (name: string, via: Via): readonly ByteRange[] => {
    if (AS_LABELS.has(via)) return labels.get(name) ?? [];
    return via === 'nbns' ? (netbios.get(name) ?? []) : findText(payload, name);
  };
  return [
    ...names.map(({ name, via }, at): Reading => ({
      what: via,
      value: name,
      marks: at < MAX_READINGS ? marksOf(name, via) : [],
    })),
    ...(recognition === undefined
      ? []
      : [{ what: 'recognised', value: `${recognition.protocol}: ${recognition.why}`, marks: [] } as const]),
  ];
}

/** What the sender says about itself, and what a network offers. */
function otherReadings(
  { names, identity, offer, groups, redirect }: Findings,
  payload: Stretch,
): readonly Reading[] {
  const readings: Reading[] = [];
  const add = (
    what: ReadingWhat,
    value: string | undefined,
    find?: (text: string) => readonly ByteRange[],
  ): void => {
    const isListed = readings.length < MAX_READINGS;
    if (value !== undefined && value !== '')
      readings.push({ what, value, marks: (isListed && find?.(value)) || [] });
  };
  const asText = (text: string): readonly ByteRange[] => findText(payload, text);
  const asAddress = (text: string): readonly ByteRange[] => {
    const address = parseAddress(text);
    if (address === undefined || isUnspecified(address.words)) return [];
    // The address of the offering server may be in the IP header only.
    return findOctets({ ...payload, start: HEADER_LENGTH }, octetsOf(address.words, address.ipVersion));
  };
  const asName = (text: string): readonly ByteRange[] => {
    const found = asText(text);
    return found.length > 0 ? found : (findLabels(payload, new Set([text])).get(text) ?? []);
  };
  const asHex = (text: string): readonly ByteRange[] =>
    findOctets(payload, Uint8Array.from(Buffer.from(text, 'hex')));
  if (!names.some(({ name }) => name === identity?.hostName)) add('host-name', identity?.hostName, asName);
  add('account', identity?.account, asText);
  add('vendor', identity?.vendorClass, asText);
  add('client-id', identity?.clientId, asHex);
  add('options', identity?.fingerprint);
  add('previous-address', identity?.previousAddress, asAddress);
  for (const group of groups ?? []) add('group', group, asAddress);
  add('server', offer?.server, asAddress);
  add('offered', offer?.address, asAddress);
  add('router', offer?.router, asAddress);
  for (const route of offer?.routes ?? []) add('route', route);
  for (const resolver of offer?.resolvers ?? []) add('resolver', resolver, asAddress);
  add('portal', offer?.captivePortal, asText);
  if (redirect !== undefined)
    add('redirect', `${redirect.host} port ${redirect.port}`, () => asText(redirect.host));
  return readings;
}

/** The DNS message in a datagram, or the first one in a TCP segment, which follows its length (RFC 7766 section 8). */
function dnsOf(bytes: Uint8Array, packet: ParsedPacket, kind: Kind): DnsReading | null {
  const { protocol, sourcePort, destinationPort, payloadOffset: start } = packet;
  const isTcp = protocol === Protocol.TCP;
  if (!isTcp && protocol !== Protocol.UDP) return null;
  const isOnPort = kind !== 'dnscrypt' && (sourcePort === DNS_PORT || destinationPort === DNS_PORT);
  if (!isOnPort && !AS_LABELS.has(kind)) return null;
  const end = Math.min(packet.payloadEnd, bytes.length);
  const isCut = cutOff(packet) > 0 || packet.moreFragments;
  if (!isTcp) return end > start ? readDnsWhole(bytes.subarray(start, end), isCut) : null;
  if (end - start <= 2) return null;
  const [from, length] = [start + 2, u16(bytes, start)];
  const message = readDnsWhole(bytes.subarray(from, Math.min(from + length, end)), from + length > end);
  return { ...message, behind: message.behind + Math.max(0, end - from - length) };
}
