// Checks that what a tap keeps and works at stays in proportion to what came. Held against README.md, What it guarantees: memory is
// bounded.

import { describe, expect, test } from 'vitest';
import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';

/** What all streams of a dissector may hold, and flows that it remembers (src/flow/dissector.ts). */
const BUDGET = 16_777_216;
const FLOWS = 8_192;

const packet = new ParsedPacket();
function take(dissector: Dissector, bytes: Uint8Array): void {
  dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
  dissector.application(bytes, packet, 0);
}

const DOWN = { from: '203.0.113.9', to: '192.168.1.50' };
const datagram = (from: number, payload: Bytes, to = 50_000): Uint8Array =>
  made.ethernet(0x0800, made.ipv4(17, made.udp(from, to, payload), DOWN), {
    from: made.ROUTER,
    to: made.CLIENT,
  });

/** The network begins a connection to the laptop, which need not take it, and says this. */
function says(dissector: Dissector, port: number, pieces: readonly Bytes[]): void {
  let sequence = 1;
  const send = (payload: Bytes, flags: number, at: number): void => {
    const header = [
      ...[...made.u16(port), ...made.u16(80), ...made.u32(at), ...made.u32(0), 0x50, flags],
      ...[...made.u16(1000), 0, 0, 0, 0],
    ];
    take(dissector, made.ethernet(0x0800, made.ipv4(6, [...header, ...payload], DOWN)));
  };
  send([], 2, 0);
  for (const piece of pieces)
    for (let at = 0; at < piece.length; at += 1_400) {
      const part = piece.slice(at, at + 1_400);
      send(part, 0x18, sequence);
      sequence += part.length;
    }
}

const PREFACE = made.text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const h2 = (type: number, flags: number, stream: number, payload: Bytes): Bytes => [
  ...[...made.u32(payload.length).slice(1), type, flags, ...made.u32(stream), ...payload],
];

/** A header table of 64 KiB (RFC 7541 section 6.3), full of fields of two octets each. */
const TABLE = [
  0x3f,
  0xe1,
  0xff,
  0x03,
  ...Array.from({ length: 1_927 }, () => [0x40, 1, 0x61, 1, 0x62]).flat(),
];
const BLOCK = [...h2(1, 0, 1, made.fill(30_000)), ...h2(9, 0, 1, made.fill(30_000))];

const HELLO_PIECE = [1, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 20, ...made.fill(20)];
const DTLS = [22, 0xfe, 0xfd, 0, 0, ...made.fill(6, 0), ...made.u16(HELLO_PIECE.length), ...HELLO_PIECE];

function held(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

describe('what flows keep together stays near the budget of all streams', () => {
  test.each<[string, number, (dissector: Dissector, flow: number) => void]>([
    [
      'header tables of HTTP/2, 10 kB sent for each',
      512,
      (to, flow) => {
        says(to, 20_000 + flow, [PREFACE, h2(1, 4, 1, TABLE)]);
      },
    ],
    [
      'header blocks of HTTP/2 that go on',
      512,
      (to, flow) => {
        says(to, 20_000 + flow, [PREFACE, BLOCK]);
      },
    ],
    [
      'DTLS hellos of which one piece of 20 octets came',
      FLOWS,
      (to, flow) => {
        take(to, datagram(20_000 + flow, DTLS));
      },
    ],
  ])('%s', (_what, flows, one) => {
    const dissector = new Dissector({ quic: nodeQuicCrypto });
    const before = held();
    for (let flow = 0; flow < flows; flow += 1) one(dissector, flow);
    expect(held() - before).toBeLessThan(2 * BUDGET);
  });
});

test.each([
  ['of version 1', 1],
  ['of a reserved version', 0x0a0a0a0a],
])('a datagram of 1,400 octets %s makes a tap derive few keys', (_what, version) => {
  const payload: number[] = [];
  for (let n = 0; payload.length < 1_400; n += 1)
    payload.push(
      ...[
        0xc0,
        ...made.u32(version),
        8,
        ...made.u32(n),
        ...made.u32(n * 7),
        0,
        0,
        0x40,
        20,
        ...made.fill(20, n),
      ],
    );
  let calls = 0;
  const hmacSha256 = (key: Uint8Array, data: Uint8Array): Uint8Array => {
    calls += 1;
    return nodeQuicCrypto.hmacSha256(key, data);
  };
  take(new Dissector({ quic: { ...nodeQuicCrypto, hmacSha256 } }), datagram(443, payload));
  // One client's Initial takes five, with each of five versions 25.
  expect(calls).toBeLessThan(50);
});
