// Knows: how what UDP and TCP carry is told: by its form, and by its port where the form alone is weak. Must not know: flows, policy.
// One frame says less than its flow: what only a stream or a key could tell is told as data.

import { Dhcp4View } from '../wire/dhcp4.ts';
import { Dhcp6View } from '../wire/dhcp6.ts';
import { dnsShape } from '../wire/dns.ts';
import { isDtlsRecords } from '../wire/dtls.ts';
import { httpRequest, isHttpResponseStart } from '../wire/http1.ts';
import { ikeMessage, markedIkeMessage } from '../wire/ipsec.ts';
import { l2tpPacket } from '../wire/l2tp.ts';
import { isNetbiosShape, readNetbiosQuestions } from '../wire/nbns.ts';
import { ntpPacket } from '../wire/ntp.ts';
import { printable, u16 } from '../wire/octets.ts';
import { openvpnControl } from '../wire/openvpn.ts';
import { isQuicLong } from '../wire/quic-flow.ts';
import { longHeader } from '../wire/quic-initial.ts';
import { socksOpening } from '../wire/socks.ts';
import { ssdpMessage } from '../wire/ssdp.ts';
import { sshBanner } from '../wire/ssh.ts';
import { stunMessage } from '../wire/stun.ts';
import { teredoPacket } from '../wire/teredo.ts';
import { clientHelloInRecords, isTlsRecordStart } from '../wire/tls-record.ts';
import { vxlanPacket } from '../wire/vxlan.ts';
import { wireguardMessage } from '../wire/wireguard.ts';
import type { LayerTree, TellInner } from './frame-layer.ts';
import { tellDns } from './frame-tree-dns.ts';

/** What a transport header is followed by. */
export interface Payload {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

/** True when the payload was told. */
type Teller = (bytes: Uint8Array, tree: LayerTree, payload: Payload) => boolean;

const DNS_PORTS: Readonly<Record<number, string>> = { 53: 'DNS', 5353: 'Multicast DNS', 5355: 'LLMNR' };
const HTTP_LINES_MOST = 40;

const on = ({ from, to }: Payload, ...ports: readonly number[]): boolean =>
  ports.includes(from) || ports.includes(to);

const tellDhcp: Teller = (bytes, tree, payload) => {
  const view = on(payload, 67, 68) ? Dhcp4View.of(bytes, payload.start, payload.end) : undefined;
  if (view === undefined) return false;
  const { start, end } = payload;
  const layer = tree.add('DHCP', `message type ${view.messageType}`, start, end);
  const tell = (label: string, value: string | undefined): void => {
    if (value !== undefined) layer.add(label, value, start, end);
  };
  tell('Host name', view.hostName);
  tell('Full name', view.clientFqdn);
  tell('Vendor class', view.vendorClass);
  tell('Options asked for', view.parameterList);
  tell('Address wished for', view.requestedAddress);
  tell('Address given', view.yourAddress);
  tell('Server', view.serverIdentifier);
  for (const { network, prefixLength, router } of view.routes)
    tell('Route', `${network}/${prefixLength} by ${router}`);
  return true;
};

const tellDhcp6: Teller = (bytes, tree, payload) => {
  const view = on(payload, 546, 547) ? Dhcp6View.of(bytes, payload.start, payload.end) : undefined;
  if (view === undefined) return false;
  const { start, end } = payload;
  const layer = tree.add('DHCPv6', `message type ${view.messageType}`, start, end);
  for (const [label, value] of [
    ['Client', view.clientDuid],
    ['Full name', view.clientFqdn],
    ['Options asked for', view.optionRequest],
  ] as const)
    if (value !== undefined) layer.add(label, value, start, end);
  return true;
};

const tellDnsDatagram: Teller = (bytes, tree, payload) => {
  const { from, to, start, end } = payload;
  if (on(payload, 137) && isNetbiosShape(bytes, start, end)) {
    const layer = tree.add('NetBIOS name service', '', start, end);
    readNetbiosQuestions(bytes, start, end, (name) => layer.add('Name', name, start + 12, end));
    return true;
  }
  const label = DNS_PORTS[to] ?? DNS_PORTS[from];
  if (label === undefined && dnsShape(bytes, start, end) < 0.9) return false;
  return tellDns(bytes, tree, label ?? 'DNS', start, end);
};

const tellQuic: Teller = (bytes, tree, { start, end }) => {
  const header = isQuicLong(bytes, start, end) ? longHeader(bytes, start, end) : undefined;
  if (header === undefined) return false;
  const version = `0x${header.version.toString(16).padStart(8, '0')}`;
  const layer = tree.add('QUIC', `long header, version ${version}`, start, end);
  layer.add('Version', version, start + 1, start + 5);
  const [from, to] = [header.destinationIdStart, header.destinationIdEnd];
  layer.add('Connection', hexText(bytes, from, to), from, to);
  layer.add('Sealed', `${end - header.next} bytes`, header.next, end);
  return true;
};

/** Protocols whose form is told in one line. */
const tellKnown: Teller = (bytes, tree, payload) => {
  const { start, end } = payload;
  const say = (label: string, value: string): boolean => {
    tree.add(label, value, start, end);
    return true;
  };
  const wireguard = wireguardMessage(bytes, start, end);
  if (wireguard !== undefined && wireguard.reserved === 0)
    return say('WireGuard', `message type ${wireguard.type}`);
  const stun = stunMessage(bytes, start, end);
  if (stun?.form === 'cookie') return say('STUN', `${stun.kind}, method ${stun.method}`);
  const ssdp = ssdpMessage(bytes, start, end);
  if (ssdp !== undefined) return say('SSDP', [ssdp.type, ssdp.target, ssdp.userAgent].join(' ').trim());
  const ike = on(payload, 500)
    ? ikeMessage(bytes, start, end)
    : on(payload, 4500)
      ? markedIkeMessage(bytes, start, end)
      : undefined;
  if (ike !== undefined) return say('IKE', `version ${ike.version}, exchange ${ike.exchange}`);
  const ntp = on(payload, 123) ? ntpPacket(bytes, start, end) : undefined;
  if (ntp !== undefined) return say('NTP', `version ${ntp.version}, mode ${ntp.mode}`);
  const openvpn = openvpnControl(bytes, start, end);
  if (openvpn !== undefined) return say('OpenVPN', `opcode ${openvpn.opcode}, session ${openvpn.session}`);
  const l2tp = on(payload, 1701) ? l2tpPacket(bytes, start, end) : undefined;
  if (l2tp !== undefined) return say('L2TP', `version ${l2tp.version}, tunnel ${l2tp.tunnel}`);
  return isDtlsRecords(bytes, start, end) && say('DTLS', `${end - start} bytes of records`);
};

/** What a datagram carries, below its header. */
export function tellUdpPayload(bytes: Uint8Array, tree: LayerTree, payload: Payload, next: TellInner): void {
  const { start, end } = payload;
  if (end <= start) return;
  const vxlan = on(payload, 4789, 8472) ? vxlanPacket(bytes, start, end) : undefined;
  const inner = vxlan?.inner ?? (on(payload, 3544) ? teredoPacket(bytes, start, end)?.inner : undefined);
  if (inner !== undefined) {
    tree.add(vxlan === undefined ? 'Teredo' : 'VXLAN', `${end - start} bytes`, start, inner.offset);
    next(tree, inner);
    return;
  }
  const tellers = [tellDhcp, tellDhcp6, tellDnsDatagram, tellKnown, tellQuic];
  if (!tellers.some((tell) => tell(bytes, tree, payload))) tellData(tree, start, end);
}

/** What a segment carries, below its header. */
export function tellTcpPayload(bytes: Uint8Array, tree: LayerTree, payload: Payload): void {
  const { start, end } = payload;
  if (end <= start) return;
  if (tellTls(bytes, tree, payload) || tellHttp(bytes, tree, payload)) return;
  // A message over TCP has its length in front (RFC 7766 section 8).
  if (on(payload, 53) && end - start > 2) {
    const layer = tree.add('Length', String(u16(bytes, start)), start, start + 2);
    if (tellDns(bytes, tree, 'DNS over TCP', layer.end, end)) return;
  }
  const ssh = sshBanner(bytes, start, end);
  if (ssh !== undefined) return void tree.add('SSH', `${ssh.version} ${ssh.software}`, start, end);
  const socks = on(payload, 1080) ? socksOpening(bytes, start, end) : undefined;
  if (typeof socks === 'object')
    return void tree.add('SOCKS', `${socks.command} ${socks.host}:${socks.port}`, start, end);
  tellData(tree, start, end);
}

const tellTls: Teller = (bytes, tree, { start, end }) => {
  if (!isTlsRecordStart(bytes, start, end)) return false;
  const layer = tree.add('TLS', `record type ${bytes[start] ?? 0}`, start, end);
  layer.add('Record length', String(u16(bytes, start + 3)), start + 3, start + 5);
  const hello = clientHelloInRecords(bytes, start, end, true);
  if (typeof hello === 'string') return true;
  const told = layer.add('ClientHello', hello.complete ? 'whole' : 'cut off', start + 5, end);
  if (hello.serverName !== undefined) told.add('Server name', hello.serverName, start + 5, end);
  if (hello.alpn.length > 0) told.add('Protocols', hello.alpn.join(', '), start + 5, end);
  const versions = hello.versions.map((version) => `0x${version.toString(16).padStart(4, '0')}`);
  if (versions.length > 0) told.add('Versions', versions.join(', '), start + 5, end);
  told.add('Cipher suites', String(hello.cipherSuites.length), start + 5, end);
  if (hello.encryptedHello !== undefined) told.add('Encrypted', hello.encryptedHello, start + 5, end);
  return true;
};

const tellHttp: Teller = (bytes, tree, { start, end }) => {
  const request = httpRequest(bytes, start, end, true);
  if (typeof request === 'string' && !isHttpResponseStart(bytes, start, end)) return false;
  const layer = tree.add('HTTP', typeof request === 'string' ? 'answer' : request.method, start, end);
  let at = start;
  for (let line = 0; line < HTTP_LINES_MOST && at < end; line += 1) {
    const feed = bytes.subarray(at, end).indexOf(0x0a);
    const next = feed < 0 ? end : at + feed + 1;
    const text = printable(bytes, at, next).replace(/(?:\\013)?\\010$/, '');
    if (text === '') break;
    layer.add(line === 0 ? 'First line' : 'Field', text, at, next);
    at = next;
  }
  return true;
};

function tellData(tree: LayerTree, start: number, end: number): void {
  tree.add('Data', `${end - start} bytes`, start, end);
}

function hexText(bytes: Uint8Array, start: number, end: number): string {
  return Array.from(bytes.subarray(start, end), (octet) => octet.toString(16).padStart(2, '0')).join('');
}
