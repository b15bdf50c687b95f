// Which names TCP connections show that begin, end, repeat and nest in odd ways. Segments are built octet by octet in
// test/policy/frames.ts; tshark reads the same in test/corpus/odd-shapes.test.ts.

import { expect, test } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { LinkType } from '../../../src/wire/link/link-types.ts';
import * as made from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';
import { clientHello } from '../../policy/tls-hello.ts';

const SYN = 2;
const SYN_ACK = 0x12;
const PUSH = 0x18;

interface Segment {
  readonly sequence: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly payload?: Bytes;
  readonly fromServer?: boolean;
}

function frame(
  port: number,
  { sequence, acknowledgment = 0, flags = PUSH, payload = [], fromServer }: Segment,
) {
  const ports = fromServer === true ? [port, 40_000] : [40_000, port];
  const [from, to] = fromServer === true ? ['192.0.2.9', '192.0.2.1'] : ['192.0.2.1', '192.0.2.9'];
  const header = ports.flatMap((number) => [...made.u16(number)]);
  const numbers = [
    ...made.u32(sequence),
    ...made.u32(acknowledgment),
    0x50,
    flags,
    ...made.u16(1000),
    0,
    0,
    0,
    0,
  ];
  return made.ethernet(0x0800, made.ipv4(6, [...header, ...numbers, ...payload], { from, to }));
}

function names(port: number, segments: readonly Segment[]): string[] {
  const dissector = new Dissector();
  const packet = new ParsedPacket();
  return segments.flatMap((segment, at) => {
    const bytes = frame(port, segment);
    dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, at);
    return packet.findings.names.map(({ via, name }) => `${via} ${name}`);
  });
}

/** One connection whose client says these things, a segment each. */
function says(port: number, ...pieces: readonly Bytes[]): string[] {
  let sequence = 1001;
  const segments = pieces.map((payload) => {
    const segment = { sequence, payload };
    sequence += payload.length;
    return segment;
  });
  return names(port, [{ sequence: 1000, flags: SYN }, ...segments]);
}

const HELLO = clientHello('hello.example');
const request = (host: string, fields = '', body = ''): Bytes =>
  made.text(`POST / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n${body}`);

test.each([
  ['the first SYN had no answer', [{ sequence: 9, flags: SYN }]],
  [
    'the first SYN was refused',
    [
      { sequence: 9, flags: SYN },
      { sequence: 0, flags: 0x14, fromServer: true },
    ],
  ],
  [
    'another connection came before',
    [
      { sequence: 9, flags: SYN },
      { sequence: 10, payload: clientHello('a.example') },
    ],
  ],
] as const)('a connection on ports used before is read: %s', (_, before) => {
  const read = names(443, [
    ...before,
    { sequence: 0x60000000, flags: SYN },
    { sequence: 0x60000001, payload: HELLO },
  ]);
  expect(read.at(-1)).toBe('sni hello.example');
});

test('a SYN that comes again does not cut the stream', () => {
  const opening = { sequence: 9, flags: SYN };
  const [first, second] = [HELLO.slice(0, 40), HELLO.slice(40)];
  const again = [opening, { sequence: 10, payload: first }, opening, { sequence: 50, payload: second }];
  expect(names(443, again)).toEqual(['sni hello.example']);
});

test('the answer says where a client begins whose SYN is missing', () => {
  const answer = { sequence: 77, acknowledgment: 10, flags: SYN_ACK, fromServer: true };
  const late = [
    { sequence: 50, payload: HELLO.slice(40) },
    { sequence: 10, payload: HELLO.slice(0, 40) },
  ];
  expect(names(443, [answer, ...late])).toEqual(['sni hello.example']);
  const other = [
    { sequence: 1, payload: clientHello('a.example') },
    answer,
    { sequence: 10, payload: HELLO },
  ];
  expect(names(443, other)).toEqual(['sni a.example', 'sni hello.example']);
});

test('data in a SYN is read, and its answer opens nothing new', () => {
  const fast = { sequence: 9, flags: SYN, payload: HELLO.slice(0, 60) };
  const answer = { sequence: 77, acknowledgment: 70, flags: SYN_ACK, fromServer: true };
  expect(names(443, [fast, answer, { sequence: 70, payload: HELLO.slice(60) }])).toEqual([
    'sni hello.example',
  ]);
});

const CONNECT = made.text('CONNECT via.example:443 HTTP/1.1\r\n\r\n');
const SOCKS4A = [4, 1, 1, 0xbb, 0, 0, 0, 1, 0, ...made.text('via.example'), 0];
const SOCKS5 = [5, 1, 0, 5, 1, 0, 3, 11, ...made.text('via.example'), 1, 0xbb];

test.each([
  ['CONNECT', 8080, CONNECT, ['http via.example', 'sni hello.example']],
  ['SOCKS 4a', 1080, SOCKS4A, ['sni hello.example']],
  ['SOCKS 5', 1080, SOCKS5, ['sni hello.example']],
  ['STARTTLS', 587, made.text('STARTTLS\r\n'), ['sni hello.example']],
  ['PROXY', 443, made.text('PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n'), ['sni hello.example']],
] as const)('a hello right behind %s is read, in one segment or two', (_, port, front, expected) => {
  expect(says(port, [...front, ...HELLO])).toEqual(expected);
  expect(says(port, front, HELLO)).toEqual(expected);
  expect(says(port, [...front, ...HELLO.slice(0, 9)], HELLO.slice(9))).toEqual(expected);
});

test('requests behind bodies are read wherever segments end', () => {
  const stream = [
    ...request('a.example', 'Content-Length: 9\r\n', 'GET / not'),
    ...request('b.example', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'),
    ...made.text('\r\n'),
    ...request('c.example'),
  ];
  const expected = ['http a.example', 'http b.example', 'http c.example'];
  expect(says(80, stream)).toEqual(expected);
  const body = request('a.example', 'Content-Length: 9\r\n').length + 4;
  expect(says(80, stream.slice(0, body), stream.slice(body))).toEqual(expected);
});

test('a request is read when its method is split', () => {
  const bytes = request('split.example');
  for (let at = 1; at < 8; at += 1)
    expect(says(8000, bytes.slice(0, at), bytes.slice(at))).toEqual(['http split.example']);
});

test('LLMNR over TCP is LLMNR', () => {
  const query = made.dnsQuery('printer');
  const bytes = [...made.u16(query.length), ...query];
  expect(says(5355, bytes.slice(0, 7), bytes.slice(7))).toEqual(['llmnr printer']);
});

test('a response tells where it sends its reader', () => {
  const response = made.text('HTTP/1.1 302 Found\r\nLocation: http://203.0.113.80:9443/login\r\n\r\n');
  const dissector = new Dissector();
  const packet = new ParsedPacket();
  const ask = request('portal.example');
  const segments: Segment[] = [
    { sequence: 1000, flags: SYN },
    { sequence: 5000, acknowledgment: 1001, flags: SYN_ACK, fromServer: true },
    { sequence: 1001, acknowledgment: 5001, payload: ask },
    { sequence: 5001, acknowledgment: 1001 + ask.length, payload: response, fromServer: true },
  ];
  const found = segments.flatMap((segment, at) => {
    const bytes = frame(8080, segment);
    dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, at);
    return packet.findings.redirect ?? [];
  });
  expect(found).toEqual([{ host: '203.0.113.80', port: 9443 }]);
});

test.each([
  ['is answered', { sequence: 5001, payload: made.text('HTTP/1.1 200 OK\r\n'), fromServer: true }],
  ['is ended', { sequence: 0, flags: 0x11 }],
] as const)('a name at the end of a long head that comes byte by byte is told when it %s', (_how, last) => {
  const head = made.text(`GET / HTTP/1.1\r\nX: ${'a'.repeat(8_000)}\r\nHost: late.example`);
  const bytes = [...head, ...made.text('\r\n\r\n')];
  const segments: Segment[] = [
    { sequence: 1000, flags: SYN },
    { sequence: 5000, acknowledgment: 1001, flags: SYN_ACK, fromServer: true },
    ...bytes.map((byte, at) => ({ sequence: 1001 + at, payload: [byte] })),
    { ...last, ...('fromServer' in last ? {} : { sequence: 1001 + bytes.length }) },
  ];
  expect(names(80, segments)).toEqual(['http late.example']);
});

test('every Host and every page of a request is told', () => {
  const more =
    'Host: second.example\r\nReferer: http://one.example/\r\nReferer: http://two.example/\r\nOrigin: http://three.example\r\n';
  expect(says(80, request('first.example', more))).toEqual([
    'http first.example',
    'http second.example',
    'referer one.example',
    'referer two.example',
    'referer three.example',
  ]);
});
