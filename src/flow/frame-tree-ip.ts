// Knows: how IP packets and their transports are told, field by field. Must not know: link layers, policy.
// Follows RFC 791, RFC 8200, RFC 768, RFC 9293, RFC 792, RFC 4443, RFC 4861, RFC 2784 (GRE).
// Lengths that lead outside are cut to what is there: this tells what a frame holds, it judges nothing.

import { ipv4TextAt, ipv6TextAt } from '../wire/address-octets.ts';
import { macText } from '../wire/address.ts';
import { grePacket } from '../wire/gre.ts';
import { igmpMessage } from '../wire/igmp.ts';
import { IPV4_HEADER, IPV6_HEADER, Protocol, TCP_HEADER, TcpFlag, UDP_HEADER } from '../wire/ip.ts';
import { ipInIp } from '../wire/ipip.ts';
import { ahHeader, espHeader } from '../wire/ipsec.ts';
import { NdView } from '../wire/nd.ts';
import { u16, u32 } from '../wire/octets.ts';
import type { LayerTree, TellInner } from './frame-layer.ts';
import { tellTcpPayload, tellUdpPayload } from './frame-tree-payload.ts';

const PROTOCOL_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(Protocol).map(([name, number]) => [number, name]),
);
const ICMP_NAMES: Readonly<Record<number, string>> = {
  ...{ 0: 'echo reply', 3: 'unreachable', 5: 'redirect', 8: 'echo request', 9: 'router advertisement' },
  ...{ 11: 'time exceeded', 12: 'parameter problem', 13: 'timestamp' },
};
const ICMP6_NAMES: Readonly<Record<number, string>> = {
  ...{ 1: 'unreachable', 2: 'packet too big', 3: 'time exceeded', 4: 'parameter problem' },
  ...{ 128: 'echo request', 129: 'echo reply', 130: 'listener query', 131: 'listener report' },
  ...{ 133: 'router solicitation', 134: 'router advertisement', 135: 'neighbour solicitation' },
  ...{ 136: 'neighbour advertisement', 137: 'redirect', 143: 'listener report' },
};
/** Extension headers that have a length of their own and another header behind them. */
const EXTENSIONS = new Set<number>([
  Protocol.HOP_BY_HOP,
  Protocol.ROUTING,
  Protocol.FRAGMENT,
  Protocol.DESTINATION_OPTIONS,
]);
const EXTENSIONS_MOST = 8;

export function tellIpv4(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner) {
  const header = ((bytes[start] ?? 0) & 15) * 4;
  if (end - start < IPV4_HEADER || header < IPV4_HEADER) {
    tellRest(tree, 'IPv4', start, end);
    return;
  }
  const [from, to] = [ipv4TextAt(bytes, start + 12), ipv4TextAt(bytes, start + 16)];
  const protocol = bytes[start + 9] ?? 0;
  const fragment = u16(bytes, start + 6);
  const layer = tree.add('IPv4', `${from} → ${to}`, start, start + header);
  layer.add('From', from, start + 12, start + 16);
  layer.add('To', to, start + 16, start + 20);
  layer.add('Carries', protocolName(protocol), start + 9, start + 10);
  layer.add('Total length', String(u16(bytes, start + 2)), start + 2, start + 4);
  layer.add('Identification', String(u16(bytes, start + 4)), start + 4, start + 6);
  layer.add('Time to live', String(bytes[start + 8] ?? 0), start + 8, start + 9);
  if ((fragment & 0x3fff) !== 0) layer.add('Fragment', fragmentWords(fragment), start + 6, start + 8);
  if (header > IPV4_HEADER)
    layer.add('Options', `${header - IPV4_HEADER} bytes`, start + IPV4_HEADER, start + header);
  // Padding behind the packet is none of its payload.
  const total = u16(bytes, start + 2);
  const payloadEnd = total > header ? Math.min(end, start + total) : end;
  if ((fragment & 0x1fff) !== 0) {
    tellRest(tree, 'Rest of a fragmented packet', start + header, payloadEnd);
    return;
  }
  tellProtocol(bytes, tree, { protocol, start: start + header, end: payloadEnd }, next);
}

export function tellIpv6(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner) {
  if (end - start < IPV6_HEADER) {
    tellRest(tree, 'IPv6', start, end);
    return;
  }
  const [from, to] = [ipv6TextAt(bytes, start + 8), ipv6TextAt(bytes, start + 24)];
  const layer = tree.add('IPv6', `${from} → ${to}`, start, start + IPV6_HEADER);
  layer.add('From', from, start + 8, start + 24);
  layer.add('To', to, start + 24, start + 40);
  layer.add('Carries', protocolName(bytes[start + 6] ?? 0), start + 6, start + 7);
  layer.add('Payload length', String(u16(bytes, start + 4)), start + 4, start + 6);
  layer.add('Hop limit', String(bytes[start + 7] ?? 0), start + 7, start + 8);
  let [protocol, at] = [bytes[start + 6] ?? 0, start + IPV6_HEADER];
  const length = u16(bytes, start + 4);
  const payloadEnd = length > 0 ? Math.min(end, at + length) : end;
  for (let count = 0; EXTENSIONS.has(protocol) && at + 8 <= payloadEnd; count += 1) {
    const isFragment = protocol === Protocol.FRAGMENT;
    const behind = at + (isFragment ? 8 : 8 + 8 * (bytes[at + 1] ?? 0));
    const offset = isFragment ? u16(bytes, at + 2) : 0;
    const words = isFragment ? `${offset >>> 3} × 8 bytes in` : `${behind - at} bytes`;
    tree.add(protocolName(protocol), words, at, behind);
    if (offset >>> 3 !== 0) {
      tellRest(tree, 'Rest of a fragmented packet', behind, payloadEnd);
      return;
    }
    if (count >= EXTENSIONS_MOST) {
      tellRest(tree, 'Data', behind, payloadEnd);
      return;
    }
    protocol = bytes[at] ?? 0;
    at = behind;
  }
  tellProtocol(bytes, tree, { protocol, start: at, end: payloadEnd }, next);
}

interface Upper {
  readonly protocol: number;
  readonly start: number;
  readonly end: number;
}

function tellProtocol(bytes: Uint8Array, tree: LayerTree, upper: Upper, next: TellInner): void {
  const { protocol, start, end } = upper;
  if (protocol === Protocol.UDP) {
    tellUdp(bytes, tree, start, end, next);
    return;
  }
  if (protocol === Protocol.TCP) {
    tellTcp(bytes, tree, start, end);
    return;
  }
  if (protocol === Protocol.ICMP) {
    tellIcmp(bytes, tree, start, end, next);
    return;
  }
  if (protocol === Protocol.ICMPV6) {
    tellIcmp6(bytes, tree, start, end, next);
    return;
  }
  if (protocol === Protocol.GRE) {
    const gre = grePacket(bytes, start, end);
    if (gre === undefined) {
      tellRest(tree, 'GRE', start, end);
      return;
    }
    tree.add('GRE', `version ${gre.version}`, start, gre.inner.offset);
    next(tree, gre.inner);
    return;
  }
  if (protocol === Protocol.IGMP) {
    const igmp = igmpMessage(bytes, start, end);
    const words = igmp === undefined ? `${end - start} bytes` : `${igmp.type}, version ${igmp.version}`;
    return void tree.add('IGMP', words, start, end);
  }
  if (protocol === Protocol.ESP || protocol === Protocol.AH) {
    const header = (protocol === Protocol.ESP ? espHeader : ahHeader)(bytes, start, end);
    const words = header === undefined ? '' : `SPI ${hexNumber(header.spi)}, number ${header.sequence}`;
    return void tree.add(protocolName(protocol), words, start, end);
  }
  const inner = ipInIp(protocol, bytes, start, end);
  if (inner !== undefined) {
    next(tree, inner);
    return;
  }
  tellRest(tree, protocolName(protocol), start, end);
}

function tellUdp(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner): void {
  if (end - start < UDP_HEADER) {
    tellRest(tree, 'UDP', start, end);
    return;
  }
  const [from, to, length] = [u16(bytes, start), u16(bytes, start + 2), u16(bytes, start + 4)];
  const layer = tree.add('UDP', `port ${from} → ${to}`, start, start + UDP_HEADER);
  layer.add('From port', String(from), start, start + 2);
  layer.add('To port', String(to), start + 2, start + 4);
  layer.add('Length', String(length), start + 4, start + 6);
  const payloadEnd = length >= UDP_HEADER ? Math.min(end, start + length) : end;
  tellUdpPayload(bytes, tree, { from, to, start: start + UDP_HEADER, end: payloadEnd }, next);
}

function tellTcp(bytes: Uint8Array, tree: LayerTree, start: number, end: number): void {
  const header = ((bytes[start + 12] ?? 0) >>> 4) * 4;
  if (end - start < TCP_HEADER || header < TCP_HEADER) {
    tellRest(tree, 'TCP', start, end);
    return;
  }
  const [from, to, flags] = [u16(bytes, start), u16(bytes, start + 2), bytes[start + 13] ?? 0];
  const names = Object.entries(TcpFlag).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]));
  const layer = tree.add('TCP', `port ${from} → ${to}, ${names.join(' ')}`, start, start + header);
  layer.add('From port', String(from), start, start + 2);
  layer.add('To port', String(to), start + 2, start + 4);
  layer.add('Sequence number', String(u32(bytes, start + 4)), start + 4, start + 8);
  layer.add('Acknowledges', String(u32(bytes, start + 8)), start + 8, start + 12);
  layer.add('Flags', names.join(' '), start + 13, start + 14);
  layer.add('Window', String(u16(bytes, start + 14)), start + 14, start + 16);
  if (header > TCP_HEADER)
    layer.add('Options', `${header - TCP_HEADER} bytes`, start + TCP_HEADER, start + header);
  tellTcpPayload(bytes, tree, { from, to, start: start + header, end });
}

function tellIcmp(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner): void {
  if (end - start < 8) {
    tellRest(tree, 'ICMP', start, end);
    return;
  }
  const type = bytes[start] ?? 0;
  const layer = tree.add('ICMP', ICMP_NAMES[type] ?? `type ${type}`, start, start + 8);
  layer.add('Type', String(type), start, start + 1);
  layer.add('Code', String(bytes[start + 1] ?? 0), start + 1, start + 2);
  if (type === 5) layer.add('Use instead', ipv4TextAt(bytes, start + 4), start + 4, start + 8);
  // Errors quote the packet they are about (RFC 792).
  const quotes = type === 3 || type === 5 || type === 11 || type === 12;
  const inner = quotes ? ipInIp(Protocol.IPIP, bytes, start + 8, end) : undefined;
  if (inner === undefined) {
    tellRest(tree, 'Data', start + 8, end);
    return;
  }
  next(tree.add('Quoted packet', `${end - start - 8} bytes`, start + 8, end), inner);
}

function tellIcmp6(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner): void {
  if (end - start < 4) {
    tellRest(tree, 'ICMPv6', start, end);
    return;
  }
  const type = bytes[start] ?? 0;
  const layer = tree.add('ICMPv6', ICMP6_NAMES[type] ?? `type ${type}`, start, end);
  layer.add('Type', String(type), start, start + 1);
  layer.add('Code', String(bytes[start + 1] ?? 0), start + 1, start + 2);
  // Errors quote the packet they are about (RFC 4443 section 3).
  const quoted = type < 128 ? ipInIp(Protocol.IPV6, bytes, start + 8, end) : undefined;
  if (quoted !== undefined) {
    next(layer.add('Quoted packet', `${end - start - 8} bytes`, start + 8, end), quoted);
    return;
  }
  const nd = NdView.of(bytes, start, end);
  if (nd === undefined) return;
  const tell = (label: string, value: string | undefined): void => {
    if (value !== undefined) layer.add(label, value, start + 4, end);
  };
  tell('Target', nd.target);
  tell('Redirected', nd.redirected);
  tell('Link address', nd.linkAddress === 0 ? undefined : macText(nd.linkAddress));
  for (const { prefix, prefixLength } of nd.prefixes) tell('Prefix', `${prefix}/${prefixLength}`);
  for (const { prefix, prefixLength } of nd.routes) tell('Route', `${prefix}/${prefixLength}`);
  for (const resolver of nd.resolvers) tell('Resolver', resolver);
}

function tellRest(tree: LayerTree, label: string, start: number, end: number): void {
  if (end > start) tree.add(label, `${end - start} bytes`, start, end);
}

function fragmentWords(fragment: number): string {
  const more = (fragment & 0x2000) === 0 ? 'the last' : 'more follow';
  return `${(fragment & 0x1fff) * 8} bytes in, ${more}`;
}

function protocolName(protocol: number): string {
  const name = PROTOCOL_NAMES[protocol];
  return name === undefined ? `protocol ${protocol}` : `${name.replaceAll('_', ' ')} (${protocol})`;
}

function hexNumber(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
