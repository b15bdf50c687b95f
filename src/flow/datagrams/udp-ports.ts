// What a datagram on a well-known port must look like to be the port's protocol.
// RFC 1035, 6762, 4795, 1002, 2131, 8415, 5905, 3948, 2661, 4380, 7348 and UPnP Device Architecture 2.0 (SSDP).

import { isNatKeepalive } from '../../wire/vpn/ipsec.ts';
import { l2tpPacket } from '../../wire/vpn/l2tp.ts';
import { ntpPacket } from '../../wire/application/ntp.ts';
import { ssdpMessage } from '../../wire/names/ssdp.ts';
import { teredoPacket } from '../../wire/vpn/teredo.ts';
import { vxlanPacket } from '../../wire/vpn/vxlan.ts';
import { kindOfUdpPort } from '../headers/classify.ts';
import { dhcp4Findings, dhcp6Findings } from '../findings/dhcp-findings.ts';
import { cutOff } from '../headers/encapsulation.ts';
import { NO_FINDINGS } from '../parsed-packet.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';
import type { Kind } from '../kinds.ts';
import { dnsFindings, DNS_ON_ITS_PORT, nbnsFindings } from '../findings/name-readers.ts';

/**
 * If the payload of a datagram, from `start` to before `end`, is of `packet.kind`, the kind by ports, sets findings and returns true;
 * otherwise returns false and changes nothing. The RFC of each kind is named in this file's head. Never throws.
 */
export function readByPort(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket): boolean {
  const findings = contentOf(packet.kind, bytes, start, end, end + cutOff(packet));
  if (findings === undefined) return false;
  packet.findings = findings;
  return true;
}

/**
 * Whether a message that readByPort has accepted, with its payload at `start`, comes from the server: by DNS's QR bit (RFC 1035 section
 * 4.1.1), or by the ports. Always false for mDNS, which has no servers.
 */
export function isAnswer(bytes: Uint8Array, start: number, packet: ParsedPacket): boolean {
  switch (packet.kind) {
    case 'dns':
    case 'llmnr':
    case 'nbns':
      return ((bytes[start + 2] ?? 0) & 0x80) !== 0;
    case 'mdns':
      return false;
    case 'dhcp':
      // A server may answer from any port (RFC 2131 section 4.1, RFC 8415 section 7.2).
      return packet.destinationPort === 68;
    case 'dhcp6':
      return packet.destinationPort === 546;
    default:
      return (
        kindOfUdpPort(packet.sourcePort) === packet.kind &&
        kindOfUdpPort(packet.destinationPort) !== packet.kind
      );
  }
}

function contentOf(
  kind: Kind,
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
): Findings | undefined {
  switch (kind) {
    case 'dns':
    case 'mdns':
    case 'llmnr':
      return dnsFindings(bytes, start, end, kind, DNS_ON_ITS_PORT);
    case 'nbns':
      return nbnsFindings(bytes, start, end);
    case 'dhcp':
      return dhcp4Findings(bytes, start, end);
    case 'dhcp6':
      return dhcp6Findings(bytes, start, end);
    case 'ssdp':
      return ssdpFindings(bytes, start, end);
    case 'ntp':
      return noFindingsIf(ntpPacket(bytes, start, end) !== undefined);
    case 'l2tp':
      return noFindingsIf(l2tpPacket(bytes, start, end, wireEnd) !== undefined);
    case 'vxlan':
      return noFindingsIf(vxlanPacket(bytes, start, end) !== undefined);
    case 'teredo':
      return noFindingsIf(teredoPacket(bytes, start, end, wireEnd) !== undefined);
    case 'ipsec':
      // IKE and ESP are left to the recogniser, which finds out more about them.
      return noFindingsIf(isNatKeepalive(bytes, start, end));
    default:
      return undefined;
  }
}

function ssdpFindings(bytes: Uint8Array, start: number, end: number): Findings | undefined {
  const message = ssdpMessage(bytes, start, end);
  if (message === undefined) return undefined;
  const { type, target } = message;
  return { names: [], answers: [], detail: target === undefined ? type : `${type} ${target}` };
}

function noFindingsIf(isFitting: boolean): Findings | undefined {
  return isFitting ? NO_FINDINGS : undefined;
}
