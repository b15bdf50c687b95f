// Knows: how an Ethernet frame is told layer by layer, for a person who looks at it. Must not know: policy, kinds, privacy.
// Follows IEEE 802.3, 802.1Q, 802.1X, RFC 826 (ARP). Not the hot path: frames that were kept are told one at a time.
// Every byte is hostile: readers stay inside their layer, and nesting ends after a few tunnels.

import { ipv4TextAt } from '../wire/address-octets.ts';
import { macText } from '../wire/address.ts';
import { eapolFrame } from '../wire/eapol.ts';
import { EtherType, FIRST_ETHERTYPE, HEADER_LENGTH, isTag } from '../wire/ethernet.ts';
import { INNER_ETHERNET, INNER_PPP } from '../wire/inner.ts';
import type { Inner } from '../wire/inner.ts';
import { mplsStack } from '../wire/mpls.ts';
import { u16, u32 } from '../wire/octets.ts';
import { pppFrame } from '../wire/ppp.ts';
import { pppoeFrame } from '../wire/pppoe.ts';
import { LayerTree } from './frame-layer.ts';
import type { FrameLayer, TellInner } from './frame-layer.ts';
import { tellIpv4, tellIpv6 } from './frame-tree-ip.ts';

/** Packets inside each other; what is deeper is told as data. */
const DEPTH_MOST = 6;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [EtherType.IPV4]: 'IPv4',
  [EtherType.IPV6]: 'IPv6',
  [EtherType.ARP]: 'ARP',
  [EtherType.VLAN]: '802.1Q tag',
  [EtherType.QINQ]: '802.1ad tag',
  [EtherType.MPLS]: 'MPLS',
  [EtherType.PPPOE_DISCOVERY]: 'PPPoE discovery',
  [EtherType.PPPOE_SESSION]: 'PPPoE session',
  [EtherType.EAPOL]: '802.1X',
};

/** The layers of a frame, or of the beginning that was kept of it. Never throws; see LAYERS_MOST for the bound. */
export function frameTree(bytes: Uint8Array): readonly FrameLayer[] {
  const tree = LayerTree.of(bytes.length);
  tellEthernet(bytes, tree, 0, bytes.length, 0);
  return tree.layers();
}

function tellEthernet(bytes: Uint8Array, tree: LayerTree, start: number, end: number, depth: number): void {
  if (end - start < HEADER_LENGTH) {
    tellData(tree, 'Ethernet, cut off', start, end);
    return;
  }
  const type = u16(bytes, start + 12);
  const layer = tree.add(
    'Ethernet',
    `${macAt(bytes, start + 6)} → ${macAt(bytes, start)}`,
    start,
    start + HEADER_LENGTH,
  );
  layer.add('To', macAt(bytes, start), start, start + 6);
  layer.add('From', macAt(bytes, start + 6), start + 6, start + 12);
  const isLength = type < FIRST_ETHERTYPE;
  layer.add(
    isLength ? 'Length' : 'Type',
    isLength ? String(type) : typeName(type),
    start + 12,
    start + HEADER_LENGTH,
  );
  tellTyped(bytes, tree, { etherType: type, offset: start + HEADER_LENGTH, end }, depth);
}

type TellType = (bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner) => void;

const TELLERS = new Map<number, TellType>([
  [INNER_PPP, tellPpp],
  [EtherType.IPV4, tellIpv4],
  [EtherType.IPV6, tellIpv6],
  [EtherType.ARP, tellArp],
  [EtherType.EAPOL, tellEapol],
  [EtherType.MPLS, tellMpls],
  [EtherType.MPLS_MULTICAST, tellMpls],
  [EtherType.PPPOE_DISCOVERY, tellPppoe],
  [EtherType.PPPOE_SESSION, tellPppoe],
]);

function tellTyped(bytes: Uint8Array, tree: LayerTree, inner: Inner, depth: number): void {
  const { etherType, offset, end } = inner;
  const teller = isTag(etherType) ? tellTag : TELLERS.get(etherType);
  if (depth >= DEPTH_MOST) tellData(tree, 'Data', offset, end);
  else if (etherType === INNER_ETHERNET) tellEthernet(bytes, tree, offset, end, depth + 1);
  else if (teller === undefined) tellData(tree, 'Data', offset, end);
  else teller(bytes, tree, offset, end, (into, one) => tellTyped(bytes, into, one, depth + 1));
}

function tellMpls(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner): void {
  const stack = mplsStack(bytes, start, end);
  if (stack?.inner === undefined) {
    tellData(tree, 'MPLS', start, end);
    return;
  }
  tree.add('MPLS', `${stack.labels} labels, bottom ${stack.bottom}`, start, stack.inner.offset);
  next(tree, stack.inner);
}

function tellPppoe(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner): void {
  const pppoe = pppoeFrame(bytes, start, end);
  if (pppoe === undefined) {
    tellData(tree, 'PPPoE', start, end);
    return;
  }
  const layer = tree.add('PPPoE', `session ${pppoe.session}`, start, end);
  if (pppoe.ppp !== undefined) tellPpp(bytes, layer, start + 6, end, next);
}

function tellTag(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner): void {
  if (end - start < 4) {
    tellData(tree, 'Tag, cut off', start, end);
    return;
  }
  const tag = u16(bytes, start);
  const layer = tree.add('VLAN tag', `VLAN ${tag & 0x0fff}`, start, start + 4);
  layer.add('Priority', String(tag >>> 13), start, start + 1);
  layer.add('Type', typeName(u16(bytes, start + 2)), start + 2, start + 4);
  next(tree, { etherType: u16(bytes, start + 2), offset: start + 4, end });
}

function tellPpp(bytes: Uint8Array, tree: LayerTree, start: number, end: number, next: TellInner): void {
  const ppp = pppFrame(bytes, start, end);
  if (ppp === undefined) {
    tellData(tree, 'PPP', start, end);
    return;
  }
  tree.add('PPP', hexNumber(ppp.protocol, 4), start, ppp.inner.offset);
  next(tree, ppp.inner);
}

function tellArp(bytes: Uint8Array, tree: LayerTree, start: number, end: number): void {
  if (end - start < 28 || u32(bytes, start) !== 0x00010800) {
    tellData(tree, 'ARP', start, end);
    return;
  }
  const operation = u16(bytes, start + 6);
  const [sender, target] = [ipv4TextAt(bytes, start + 14), ipv4TextAt(bytes, start + 24)];
  const words =
    operation === 1
      ? `who has ${target}? tell ${sender}`
      : operation === 2
        ? `${sender} is at ${macAt(bytes, start + 8)}`
        : `operation ${operation}`;
  const layer = tree.add('ARP', words, start, start + 28);
  layer.add('Operation', String(operation), start + 6, start + 8);
  layer.add('Sender MAC', macAt(bytes, start + 8), start + 8, start + 14);
  layer.add('Sender address', sender, start + 14, start + 18);
  layer.add('Target MAC', macAt(bytes, start + 18), start + 18, start + 24);
  layer.add('Target address', target, start + 24, start + 28);
}

function tellEapol(bytes: Uint8Array, tree: LayerTree, start: number, end: number): void {
  const eapol = eapolFrame(bytes, start, end);
  if (eapol === undefined) {
    tellData(tree, '802.1X', start, end);
    return;
  }
  const layer = tree.add('802.1X', `type ${eapol.type}, version ${eapol.version}`, start, end);
  if (eapol.identity !== undefined) layer.add('Identity', eapol.identity, start + 9, end);
}

function tellData(tree: LayerTree, label: string, start: number, end: number): void {
  if (end > start) tree.add(label, `${end - start} bytes`, start, end);
}

function typeName(type: number): string {
  const name = TYPE_NAMES[type];
  return name === undefined ? hexNumber(type, 4) : `${name} (${hexNumber(type, 4)})`;
}

function hexNumber(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

function macAt(bytes: Uint8Array, at: number): string {
  return macText(u16(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 2));
}
