// How to put frames together byte by byte.

export type Bytes = readonly number[];

export const CLIENT = '02:00:00:00:00:0c';
export const ROUTER = '02:00:00:00:00:01';
export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export function mac(text: string): Bytes {
  return text.split(':').map((part) => parseInt(part, 16));
}

export function u16(value: number): Bytes {
  return [(value >>> 8) & 255, value & 255];
}

export function u32(value: number): Bytes {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

export function text(value: string): Bytes {
  return [...Buffer.from(value, 'latin1')];
}

export function fill(length: number, value = 0x5a): Bytes {
  return new Array<number>(length).fill(value);
}

export interface Link {
  readonly from?: string;
  readonly to?: string;
}

/** Padded to 60 bytes as a network card does. */
export function ethernet(type: number, payload: Bytes, link: Link = {}): Uint8Array {
  const frame = [...mac(link.to ?? ROUTER), ...mac(link.from ?? CLIENT), ...u16(type), ...payload];
  while (frame.length < 60) frame.push(0);
  return Uint8Array.from(frame);
}

export function address4(value: string): Bytes {
  return value.split('.').map(Number);
}

export function address6(value: string): Bytes {
  const [head = '', tail] = value.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const middle = new Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...middle, ...back].flatMap(u16);
}

export interface Ipv4 {
  readonly from?: string;
  readonly to?: string;
  readonly ttl?: number;
  readonly identification?: number;
  /** Flags and offset field. */
  readonly fragment?: number;
  readonly options?: Bytes;
  readonly total?: number;
  readonly first?: number;
}

export function ipv4(protocol: number, payload: Bytes, ip: Ipv4 = {}): Bytes {
  const options = ip.options ?? [];
  const header = 20 + options.length;
  return [
    ip.first ?? 0x40 | (header / 4),
    0,
    ...u16(ip.total ?? header + payload.length),
    ...u16(ip.identification ?? 0x1234),
    ...u16(ip.fragment ?? 0),
    ip.ttl ?? 64,
    protocol,
    ...[0, 0],
    ...address4(ip.from ?? '192.168.1.50'),
    ...address4(ip.to ?? '203.0.113.53'),
    ...options,
    ...payload,
  ];
}

export interface Ipv6 {
  readonly from?: string;
  readonly to?: string;
  readonly hops?: number;
  readonly length?: number;
  readonly first?: number;
}

export function ipv6(next: number, payload: Bytes, ip: Ipv6 = {}): Bytes {
  return [
    ip.first ?? 0x60,
    ...[0, 0, 0],
    ...u16(ip.length ?? payload.length),
    next,
    ip.hops ?? 64,
    ...address6(ip.from ?? '2001:db8:1::50'),
    ...address6(ip.to ?? '2001:db8:53::53'),
    ...payload,
  ];
}

/** Extension header of eight bytes: hop-by-hop, destination options or routing. */
export function extension(next: number, body: Bytes = [1, 4, 0, 0, 0, 0]): Bytes {
  return [next, 0, ...body];
}

/** `offset` in bytes, a multiple of eight. */
export function fragment6(next: number, offset: number, more: boolean): Bytes {
  return [next, 0, ...u16(offset | (more ? 1 : 0)), ...[0, 0, 0, 9]];
}

export function udp(from: number, to: number, payload: Bytes, length?: number): Bytes {
  return [...u16(from), ...u16(to), ...u16(length ?? 8 + payload.length), 0, 0, ...payload];
}

export function tcp(from: number, to: number, payload: Bytes = [], flags = 0x18, doff = 5): Bytes {
  return [
    ...u16(from),
    ...u16(to),
    ...u32(1),
    ...u32(2),
    doff << 4,
    flags,
    ...u16(1000),
    0,
    0,
    0,
    0,
    ...payload,
  ];
}

export function dnsName(name: string): Bytes {
  return [...name.split('.').flatMap((label) => [label.length, ...text(label)]), 0];
}

export function dnsQuery(
  name: string,
  more: {
    readonly type?: number;
    readonly extra?: Bytes;
    readonly id?: number;
    readonly flags?: number;
  } = {},
): Bytes {
  const extra = more.extra ?? [];
  const additional = extra.length > 0 ? 1 : 0;
  const flags = u16(more.flags ?? 0x0100);
  const header = [...u16(more.id ?? 0x1a2b), ...flags, ...u16(1), ...u16(0), ...u16(0), ...u16(additional)];
  return [...header, ...dnsName(name), ...u16(more.type ?? 1), ...u16(1), ...extra];
}

/** An answer with one A record for the question. */
export function dnsAnswer(name: string, address: string): Bytes {
  const header = [0x1a, 0x2b, 0x81, 0x80, ...u16(1), ...u16(1), ...u16(0), ...u16(0)];
  const record = [0xc0, 12, ...u16(1), ...u16(1), ...u32(60), ...u16(4), ...address4(address)];
  return [...header, ...dnsName(name), ...u16(1), ...u16(1), ...record];
}

/** WireGuard message: type 1, 2, 3 with their lengths, or data of `length` bytes. */
export function wireguard(type: 1 | 2 | 3 | 4, length = { 1: 148, 2: 92, 3: 64, 4: 96 }[type]): Bytes {
  return [type, 0, 0, 0, ...fill(length - 4, 0xa7)];
}

export function dhcp4(op: 1 | 2, cookie: Bytes = [0x63, 0x82, 0x53, 0x63], message = 1): Bytes {
  const head = [op, 1, 6, 0, ...u32(0x12345678), ...fill(20, 0), ...mac(CLIENT), ...fill(10 + 64 + 128, 0)];
  return [...head, ...cookie, 53, 1, message, 12, 6, ...text('laptop'), 255, ...fill(40, 0)];
}

export function dhcp6(type: number): Bytes {
  return [type, 1, 2, 3, ...u16(1), ...u16(10), 0, 3, 0, 1, ...mac(CLIENT), ...u16(8), ...u16(2), 0, 0];
}

export function icmp6(type: number, body: Bytes = fill(20, 0), code = 0): Bytes {
  return [type, code, 0, 0, ...body];
}

export function arp(
  operation: number,
  more: {
    readonly htype?: number;
    readonly ptype?: number;
    readonly hlen?: number;
    readonly plen?: number;
  } = {},
): Bytes {
  return [
    ...u16(more.htype ?? 1),
    ...u16(more.ptype ?? 0x0800),
    more.hlen ?? 6,
    more.plen ?? 4,
    ...u16(operation),
    ...mac(CLIENT),
    ...address4('192.168.1.50'),
    ...fill(6, 0),
    ...address4('192.168.1.1'),
  ];
}
