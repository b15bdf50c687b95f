// Names inside tunnels that tshark cannot tell without having seen their beginning. Follows RFC 3931 (L2TP version 3), RFC 4380 section
// 5.2.4 (Teredo between peers), RFC 4302 (AH); the others are in test/corpus.

import { expect, test } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { LinkType } from '../../../src/wire/link/link-types.ts';
import * as made from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';

const QUERY = made.udp(40_000, 53, made.dnsQuery('inner.example'));
const PACKET = made.ipv4(17, QUERY);
const FRAME = [...made.ethernet(0x0800, PACKET)];
const SESSION = made.u32(9);
const COOKIE = made.fill(8);
const SUBLAYER = made.u32(0x40000001);
const AH = [17, 4, 0, 0, ...made.u32(300), ...made.u32(1), ...made.fill(12)];

test.each([
  ['an L2TPv3 pseudowire of IP', 'l2tp', 115, [...SESSION, ...PACKET]],
  ['one with a sublayer', 'l2tp', 115, [...SESSION, ...SUBLAYER, ...PACKET]],
  ['one with a cookie', 'l2tp', 115, [...SESSION, ...COOKIE, ...FRAME]],
  ['one with both', 'l2tp', 115, [...SESSION, ...COOKIE, ...SUBLAYER, ...FRAME]],
  ['one over UDP', 'l2tp', 17, made.udp(40_000, 1701, [0, 3, 0, 0, ...SESSION, ...FRAME])],
  ['Teredo between peers', 'teredo', 17, made.udp(40_000, 50_000, made.ipv6(17, QUERY, { from: '2001::1' }))],
  ['AH in transport mode', 'ipsec', 51, [...AH, ...QUERY]],
] as const)('a question in %s is read', (_, kind, protocol, payload: Bytes) => {
  const dissector = new Dissector();
  const packet = new ParsedPacket();
  const bytes = made.ethernet(0x0800, made.ipv4(protocol, payload));
  dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
  dissector.application(bytes, packet, 0);
  expect(packet.kind).toBe(kind);
  expect(packet.findings.names).toEqual([{ name: 'inner.example', via: 'dns' }]);
});
