// Recognises a tunnel protocol by the handshake in one payload. DNS, STUN, QUIC and RTP are ruled out first, and a port alone proves
// nothing; without a handshake the confidence stays below RECOGNISED. A recognition only names a frame, it never makes it safe.

import { dtlsHello, type DtlsHello } from '../../wire/tls/dtls.ts';
import { espInUdp, ikeMessage, markedIkeMessage, type IkeMessage } from '../../wire/vpn/ipsec.ts';
import { u16, u32 } from '../../wire/octets.ts';
import {
  ACK_V1,
  isClientReset,
  isReset,
  openvpnControl,
  openvpnOverTcp,
  type OpenvpnControl,
} from '../../wire/vpn/openvpn.ts';
import { sshBanner } from '../../wire/application/ssh.ts';
import { isSstpRequest } from '../../wire/vpn/sstp.ts';
import { stunMessage } from '../../wire/application/stun.ts';
import { isTailscaleDisco, wireguardMessage, type WireguardMessage } from '../../wire/vpn/wireguard.ts';
import type { Recognition } from '../parsed-packet.ts';

/** From this confidence on, on a scale from 0 to 1, a frame gets the protocol's kind; below it, a recognition is only a hint for people. */
export const RECOGNISED = 0.5;

type Server = Recognition['server'];

/**
 * The tunnel protocol of the UDP payload from `start` to before `end`, or undefined: WireGuard (white paper section 5.4), OpenVPN
 * (draft-bernardv-openvpn), IKE and ESP (RFC 7296, RFC 3948), DTLS (RFC 6347). Payloads on the ports of DNS are not examined. Results below
 * RECOGNISED (one data packet without a handshake) are for FlowRecogniser, which combines several packets of a flow. Never throws.
 */
export function recogniseUdp(
  bytes: Uint8Array,
  start: number,
  end: number,
  sourcePort: number,
  destinationPort: number,
): Recognition | undefined {
  if (isRuledOut(bytes, start, end, sourcePort, destinationPort)) return undefined;
  return (
    fromWireguard(bytes, start, end, sourcePort, destinationPort) ??
    fromOpenvpn(openvpnControl(bytes, start, end)) ??
    fromIpsec(bytes, start, end, sourcePort, destinationPort) ??
    fromDtls(dtlsHello(bytes, start, end))
  );
}

/**
 * The tunnel protocol of the first octets that one side of a TCP connection sends, from `start` to before `end`, or undefined: SSH (RFC
 * 4253), SSTP (MS-SSTP), IKE over TCP (RFC 9329), OpenVPN (draft-bernardv-openvpn). TLS in general and Tor are not recognised here, but
 * from the ClientHello (src/wire/vpn/tor.ts). Never throws.
 */
export function recogniseTcp(
  bytes: Uint8Array,
  start: number,
  end: number,
  sender: 'client' | 'server',
): Recognition | undefined {
  const server: Server = sender === 'client' ? 'destination' : 'source';
  const banner = sshBanner(bytes, start, end);
  if (banner !== undefined) {
    const why = `SSH ${banner.version} identification of ${banner.software}`;
    return { protocol: 'ssh', confidence: 0.95, why, server };
  }
  if (isSstpRequest(bytes, start, end)) {
    return { protocol: 'sstp', confidence: 0.99, why: 'SSTP duplex request', server };
  }
  const isakmp = tcpEncapsulatedIke(bytes, start, end);
  if (isakmp !== undefined)
    return { ...ikeRecognition(isakmp), variant: `ike-v${isakmp.version} over TCP`, server };
  const openvpn = fromOpenvpn(openvpnOverTcp(bytes, start, end));
  return openvpn === undefined ? undefined : { ...openvpn, server };
}

/** The IKE message after "IKETCP", a length and the non-ESP marker (RFC 9329), or undefined. */
function tcpEncapsulatedIke(bytes: Uint8Array, start: number, end: number): IkeMessage | undefined {
  if (u32(bytes, start) !== 0x494b4554 || u16(bytes, start + 4) !== 0x4350 || end - start < 12)
    return undefined;
  return markedIkeMessage(bytes, start + 8, Math.min(end, start + 6 + u16(bytes, start + 6)));
}

/** DNS and its relatives are ruled out by port; STUN and long QUIC headers by their shape. None of them is ever a tunnel. */
function isRuledOut(
  bytes: Uint8Array,
  start: number,
  end: number,
  sourcePort: number,
  destinationPort: number,
): boolean {
  if (end <= start || isNamePort(sourcePort) || isNamePort(destinationPort)) return true;
  // First octets from 0xc0 on with a QUIC version are long QUIC headers (RFC 9000 section 17.2); RTP and RTCP begin with 128 to 191
  // (RFC 7983 section 7), as no handshake here does. Only the first octets of IKE and ESP, on ports 500 and 4500, are random.
  const ike =
    sourcePort === 500 || destinationPort === 500 || sourcePort === 4500 || destinationPort === 4500;
  if (!ike && (bytes[start] ?? 0) >= 0xc0 && isQuicVersion(u32(bytes, start + 1))) return true;
  return stunMessage(bytes, start, end) !== undefined;
}

function isNamePort(port: number): boolean {
  return port === 53 || port === 5353 || port === 5355 || port === 137;
}

/** Whether it is version 1, version 2, a draft, negotiation, a reserved version, or one of Google's Q and T versions. */
function isQuicVersion(version: number): boolean {
  if (version === 0 || version === 1 || version === 0x6b3343cf) return true;
  const head = version >>> 24;
  return (
    version >>> 8 === 0xff0000 || head === 0x51 || head === 0x54 || (version & 0x0f0f0f0f) === 0x0a0a0a0a
  );
}

function fromWireguard(
  bytes: Uint8Array,
  start: number,
  end: number,
  sourcePort: number,
  destinationPort: number,
): Recognition | undefined {
  const server = lowerPort(sourcePort, destinationPort);
  if (isTailscaleDisco(bytes, start, end)) {
    const why = 'Tailscale discovery message';
    return { protocol: 'wireguard', variant: 'tailscale', confidence: 0.97, why, server };
  }
  const message = wireguardMessage(bytes, start, end);
  // A data message alone proves little, and nothing without the usual padding.
  if (message?.type === 4 && (end - start) % 16 !== 0) return undefined;
  return message === undefined ? undefined : wireguardRecognition(message, server);
}

function wireguardRecognition(message: WireguardMessage, either: Server): Recognition | undefined {
  const marked = message.reserved !== 0;
  const variant = marked ? { variant: 'reserved octets set, as Cloudflare WARP does' } : {};
  const server = message.type === 1 ? 'destination' : message.type === 2 ? 'source' : either;
  if (message.type === 1 || message.type === 2) {
    // With arbitrary reserved octets one payload in 256 has a fitting first octet, so the second MAC must be all zeros, too.
    if (marked && !message.noCookie) return undefined;
    const confidence = marked ? 0.7 : message.noCookie ? 0.97 : 0.9;
    const why = message.type === 1 ? 'WireGuard handshake initiation' : 'WireGuard handshake response';
    return { protocol: 'wireguard', ...variant, confidence, why, server };
  }
  if (marked) return undefined;
  if (message.type === 3)
    return { protocol: 'wireguard', confidence: 0.4, why: 'WireGuard cookie reply', server };
  if (message.counter < 0) return undefined;
  return { protocol: 'wireguard', confidence: 0.3, why: 'WireGuard data, no handshake seen', server };
}

function fromOpenvpn(control: OpenvpnControl | undefined): Recognition | undefined {
  if (control === undefined) return undefined;
  const variant = control.wrapping;
  if (isReset(control.opcode)) {
    const client = isClientReset(control.opcode);
    const why = `OpenVPN hard reset from the ${client ? 'client' : 'server'} (${variant})`;
    return { protocol: 'openvpn', variant, confidence: 0.95, why, server: client ? 'destination' : 'source' };
  }
  if (control.tls) {
    const why = `OpenVPN control packet with a TLS record (${variant})`;
    return { protocol: 'openvpn', variant, confidence: 0.9, why, server: 'destination' };
  }
  const what = control.opcode === ACK_V1 ? 'acknowledgement' : 'control packet';
  const why = `OpenVPN ${what} (${variant}), no reset seen`;
  return { protocol: 'openvpn', variant, confidence: 0.4, why, server: 'destination' };
}

function fromIpsec(
  bytes: Uint8Array,
  start: number,
  end: number,
  sourcePort: number,
  destinationPort: number,
): Recognition | undefined {
  const ike = ikeMessage(bytes, start, end) ?? markedIkeMessage(bytes, start, end);
  const either = lowerPort(sourcePort, destinationPort);
  if (ike !== undefined) return { ...ikeRecognition(ike), server: ikeServer(ike, either) };
  if (sourcePort !== 4500 && destinationPort !== 4500) return undefined;
  if (espInUdp(bytes, start, end) === undefined) return undefined;
  return {
    protocol: 'ipsec',
    variant: 'esp-in-udp',
    confidence: 0.4,
    why: 'ESP in UDP, no IKE seen',
    server: either,
  };
}

/**
 * Which end is the server, the responder, of an IKE message: by its I flag (RFC 7296 section 3.1) or as it is the first; `otherwise` if it
 * does not say, as with IKEv1 after the first message.
 */
export function ikeServer({ first, fromInitiator }: IkeMessage, otherwise: Server): Server {
  if (first || fromInitiator === true) return 'destination';
  return fromInitiator === false ? 'source' : otherwise;
}

/**
 * Whether a server's first octets over TCP answer this protocol's handshake: OpenVPN's hard reset (draft-bernardv-openvpn), or IKE after a
 * length (RFC 9329). False for protocols without such an answer and when it is cut off. Never throws.
 */
export function answersOverTcp(
  protocol: Recognition['protocol'],
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  switch (protocol) {
    case 'openvpn': {
      const control = openvpnOverTcp(bytes, start, end);
      return control !== undefined && isReset(control.opcode) && !isClientReset(control.opcode);
    }
    case 'ipsec': {
      // Only the initiator's stream begins with the prefix (RFC 9329 section 4).
      if (end - start < 6) return false;
      const ike = markedIkeMessage(bytes, start + 2, Math.min(end, start + u16(bytes, start)));
      return ike?.response === true || ike?.first === false;
    }
    case 'wireguard':
    case 'tor':
    case 'ssh':
    case 'dtls':
    case 'sstp':
    case 'opaque':
      return false;
  }
}

function ikeRecognition(ike: IkeMessage): Omit<Recognition, 'server'> {
  const why = `IKEv${ike.version} ${ike.first ? 'opening message' : `exchange ${ike.exchange}`}`;
  const confidence = ike.truncated ? 0.75 : 0.95;
  return { protocol: 'ipsec', variant: `ike-v${ike.version}${ike.marked ? ' NAT-T' : ''}`, confidence, why };
}

/**
 * The recognition of a DTLS hello (RFC 6347), with a confidence from 0.4 to 0.8; undefined without one, and for the keys of a call (RFC
 * 5764).
 */
export function fromDtls(hello: DtlsHello | undefined): Recognition | undefined {
  // The keys of a call (WebRTC) are not a tunnel. If the extensions are cut off, it could be either.
  if (hello === undefined || hello.media === true) return undefined;
  const client = hello.message === 'client-hello';
  const server: Server = client ? 'destination' : 'source';
  const resumed = client && hello.sessionIdLength === 32 && hello.cipherSuites <= 2;
  if (hello.version === 0x0100 || resumed) {
    const why = resumed
      ? 'DTLS hello that resumes a session begun over TLS'
      : `DTLS ${hello.message} of version 0x0100`;
    const variant = hello.version === 0x0100 ? 'anyconnect' : 'resumed';
    return { protocol: 'dtls', variant, confidence: 0.8, why, server };
  }
  const name = hello.tls13 ? '1.3' : hello.version === 0xfeff ? '1.0' : '1.2';
  const sure = hello.media === false;
  // A hello whose other fragments are missing is likelier a tunnel: a call would have sent STUN before.
  const unseen = hello.fragment === true ? 0.5 : 0.4;
  const why = `DTLS ${name} ${hello.message} ${sure ? 'without media keys' : '(extensions not seen)'}`;
  return { protocol: 'dtls', variant: `dtls-${name}`, confidence: sure ? 0.7 : unseen, why, server };
}

/** Which end is the server if the message does not say: the one with the lower port, on a tie the destination. */
function lowerPort(sourcePort: number, destinationPort: number): Server {
  return sourcePort < destinationPort ? 'source' : 'destination';
}
