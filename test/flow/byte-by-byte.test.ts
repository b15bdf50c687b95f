// Checks that a name is read however small the segments are that it comes in, and whatever happens between them
// (src/flow/streams/stream.ts). The network chooses how small a laptop's segments are (window, MSS) and when it answers.

import { expect, test } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';

const [SYN, SYN_ACK, ACK, PUSH, FIN] = [2, 0x12, 0x10, 0x18, 0x11];

interface Segment {
  readonly sequence: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly payload?: Bytes;
  readonly fromServer?: true;
  /** Octets that the capture has cut off its end. */
  readonly cut?: number;
}

function frame({
  sequence,
  acknowledgment = 0,
  flags = PUSH,
  payload = [],
  fromServer,
}: Segment): Uint8Array {
  const ports = fromServer === true ? [80, 40_000] : [40_000, 80];
  const [from, to] = fromServer === true ? ['192.0.2.9', '192.0.2.1'] : ['192.0.2.1', '192.0.2.9'];
  const header = [
    ...ports.flatMap((number) => [...made.u16(number)]),
    ...made.u32(sequence),
    ...made.u32(acknowledgment),
    ...[0x50, flags, ...made.u16(1000), 0, 0, 0, 0],
  ];
  return made.ethernet(0x0800, made.ipv4(6, [...header, ...payload], { from, to }));
}

function names(segments: readonly Segment[]): string[] {
  const dissector = new Dissector();
  const packet = new ParsedPacket();
  return segments.flatMap((segment, at) => {
    const bytes = frame(segment);
    const captured = bytes.length - (segment.cut ?? 0);
    dissector.headers(bytes, 0, captured, bytes.length, LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, at);
    return packet.findings.names.map(({ name }) => name);
  });
}

const OPENING: readonly Segment[] = [
  { sequence: 1000, flags: SYN },
  { sequence: 5000, acknowledgment: 1001, flags: SYN_ACK, fromServer: true },
];
const LONG = made.text(`GET / HTTP/1.1\r\nCookie: ${'a'.repeat(8_000)}\r\n`);
const HOST = made.text('Host: late.example\r\n\r\n');
const HEAD = [...LONG, ...HOST];
const END = 1001 + HEAD.length;
const byteByByte = (bytes: Bytes, from: number): Segment[] =>
  bytes.map((byte, at) => ({ sequence: from + at, payload: [byte] }));
const answer = (at: number): Segment => ({
  sequence: 5001 + at,
  acknowledgment: 1001 + LONG.length,
  payload: [0x0a],
  fromServer: true,
});
/** A byte of the head, and an answer to it. */
const nagged = byteByByte(LONG, 1001).flatMap((segment, at) =>
  at >= LONG.length - 16 ? [segment, answer(at - LONG.length + 16)] : [segment],
);

test('a head that is whole is read, though nobody answers and nobody ends', () => {
  expect(names([...OPENING, ...byteByByte(HEAD, 1001)])).toEqual(['late.example']);
});

test('a head is read when the laptop sends its end once more', () => {
  const again = { sequence: END - 1, payload: HEAD.slice(-1) };
  expect(names([...OPENING, ...byteByByte(HEAD, 1001), again, again])).toEqual(['late.example']);
});

test('a head is read when the server acknowledges all of it', () => {
  const acknowledges: Segment = { sequence: 5001, acknowledgment: END, flags: ACK, fromServer: true };
  expect(names([...OPENING, ...byteByByte(HEAD, 1001), acknowledges])).toEqual(['late.example']);
});

test('a head is read when its connection is answered and ended, though the network had answered sixteen of its bytes before', () => {
  const segments: Segment[] = [
    ...OPENING,
    ...nagged,
    ...byteByByte(HOST, 1001 + LONG.length),
    { sequence: 5_017, acknowledgment: END, payload: made.text('HTTP/1.1 200 OK\r\n'), fromServer: true },
    { sequence: END, flags: FIN },
  ];
  expect(names(segments)).toEqual(['late.example']);
});

test('a later request of that connection, in two segments, is read', () => {
  const next = [made.text('GET /2 HTTP/1.1\r\nHos'), made.text('t: second.example\r\n\r\n')];
  const segments: Segment[] = [
    ...OPENING,
    ...nagged,
    ...byteByByte(HOST, 1001 + LONG.length),
    { sequence: 5_017, acknowledgment: END, payload: made.text('HTTP/1.1 200 OK\r\n\r\n'), fromServer: true },
    { sequence: END, payload: next[0] ?? [] },
    { sequence: END + (next[0]?.length ?? 0), payload: next[1] ?? [] },
    { sequence: 5_036, payload: made.text('HTTP/1.1 200 OK\r\n\r\n'), fromServer: true },
  ];
  expect(names(segments)).toContain('second.example');
});

test('a head is read though the same ports begin another connection', () => {
  expect(names([...OPENING, ...byteByByte(HEAD, 1001), { sequence: 77_000, flags: SYN }])).toEqual([
    'late.example',
  ]);
});

test('a head is read before a gap behind it is given up', () => {
  const behind: Segment = { sequence: END + 10, payload: [0x0a] };
  const acknowledges: Segment = { sequence: 5001, acknowledgment: END + 11, flags: ACK, fromServer: true };
  const segments = [
    ...OPENING,
    ...byteByByte(HEAD, 1001),
    behind,
    acknowledges,
    { sequence: END + 11, flags: FIN },
  ];
  expect(names(segments)).toEqual(['late.example']);
});

test('a head is read when a segment behind it is cut by the capture', () => {
  const behind: Segment = { sequence: END, payload: made.fill(100), cut: 50 };
  expect(names([...OPENING, ...byteByByte(HEAD, 1001), behind, { sequence: END + 100, flags: FIN }])).toEqual(
    ['late.example'],
  );
});

test('a head is read when it ends with a FIN that comes before its last piece', () => {
  const pieces = byteByByte(HEAD, 1001);
  const segments = [...OPENING, ...pieces.slice(0, -3), { sequence: END, flags: FIN }, ...pieces.slice(-3)];
  expect(names(segments)).toEqual(['late.example']);
});
