// Checks that names are read in streams that programs cut and fold in odd ways, and that the network disturbs.

import { describe, expect, test } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { LAPTOP, NAME, SERVER, SPLIT } from './split-wire.ts';

const [SYN, SYN_ACK, PUSH, ACK] = [2, 0x12, 0x18, 0x10];

interface Segment {
  readonly sequence: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly payload?: Bytes;
  readonly down?: true;
  readonly local?: number;
  /** Octets of the frame that the capture has left out. */
  readonly cut?: number;
}

function frame(port: number, of: Segment): Uint8Array {
  const { sequence, acknowledgment = 0, flags = PUSH, payload = [], local = 40_000 } = of;
  const ports = of.down === true ? [port, local] : [local, port];
  const [from, to] = of.down === true ? [SERVER, LAPTOP] : [LAPTOP, SERVER];
  const header = [
    ...ports.flatMap((number) => [...made.u16(number)]),
    ...made.u32(sequence >>> 0),
    ...made.u32(acknowledgment >>> 0),
    ...[0x50, flags, ...made.u16(1000), 0, 0, 0, 0],
  ];
  const link = of.down === true ? { from: made.ROUTER, to: made.CLIENT } : {};
  return made.ethernet(0x0800, made.ipv4(6, [...header, ...payload], { from, to }), link);
}

function leaks(port: number, segments: Iterable<Segment>, dissector = new Dissector()): string[] {
  const judge = compileJudge(SPLIT);
  const packet = new ParsedPacket();
  const found: string[] = [];
  let at = 0;
  for (const segment of segments) {
    const bytes = frame(port, segment);
    at += 1;
    dissector.headers(bytes, 0, bytes.length - (segment.cut ?? 0), bytes.length, LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, at, segment.down === true ? 'down' : 'up');
    if (segment.down === true) continue;
    const { verdict, rule = '', exposure } = judge.judge(packet, 'up');
    if (verdict === 'leak') found.push(`${rule} ${exposure}`);
  }
  return found;
}

const OPENING: readonly Segment[] = [
  { sequence: 1_000, flags: SYN },
  { sequence: 5_000, acknowledgment: 1_001, flags: SYN_ACK, down: true },
];
const says = (payload: Bytes, sequence = 1_001): Segment => ({ sequence, acknowledgment: 5_001, payload });
const inTwo = (said: Bytes, cut: number): readonly [Segment, Segment] => [
  says(said.slice(0, cut)),
  says(said.slice(cut), 1_001 + cut),
];

const HELLO = clientHello(NAME);
/** Ends before the last eight letters of the name. */
const IN_NAME = HELLO.length - 8;

describe('a field that goes on in a line of more than 8 kB hides no Host behind it', () => {
  const folded = `GET / HTTP/1.1\r\nX-Token: a\r\n ${'b'.repeat(9_000)}\r\nHost: ${NAME}\r\n\r\n`;
  test('in one piece', () => {
    expect(leaks(80, [...OPENING, says(made.text(folded))])).toContain(`B ${NAME}`);
  });
  test('in segments', () => {
    const said = made.text(folded);
    const pieces: Segment[] = [];
    for (let at = 0; at < said.length; at += 1_400) pieces.push(says(said.slice(at, at + 1_400), 1_001 + at));
    expect(leaks(80, [...OPENING, ...pieces])).toContain(`B ${NAME}`);
  });
});

describe('a request behind a head that was given up is read', () => {
  const first = made.text(`GET / HTTP/1.1\r\nHost: www.example\r\nCookie: ${'c'.repeat(300)}\r\n\r\n`);
  const second = made.text(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`);
  test('the capture has cut the head before', () => {
    expect(
      leaks(80, [...OPENING, { ...says(first), cut: 200 }, says(second, 1_001 + first.length)]),
    ).toContain(`B ${NAME}`);
  });
  test('no room was left for the head before', () => {
    const dissector = new Dissector({}, { streamBytes: 16 });
    const [one, two] = inTwo(first, 100);
    expect(leaks(80, [...OPENING, one, two, says(second, 1_001 + first.length)], dissector)).toContain(
      `B ${NAME}`,
    );
  });
});

/** Connections that the laptop begins, and which the network fills with what comes too early. */
function* filling(connections: number): Iterable<Segment> {
  for (let n = 0; n < connections; n += 1) {
    const local = 20_000 + n;
    yield { sequence: 1_000, flags: SYN, local };
    for (let held = 0; held <= 32; held += 1)
      yield { sequence: 5_001 + 2_000 * held, flags: ACK, payload: made.fill(1_448), down: true, local };
  }
}

/** As browsers send it today: a key share of 1,216 octets, which shuffled extensions put in front of the name. */
function longHello(name: string): Bytes {
  const vector = (width: number, bytes: Bytes): Bytes => [
    ...made.u32(bytes.length).slice(4 - width),
    ...bytes,
  ];
  const share = [0, 51, ...vector(2, vector(2, [0x11, 0xec, ...vector(2, made.fill(1_216))]))];
  const padding = [0, 21, ...vector(2, made.fill(300, 0))];
  const sni = [0, 0, ...vector(2, vector(2, [0, ...vector(2, made.text(name))]))];
  const body = [3, 3, ...made.fill(32), 0, 0, 2, 0x13, 1, 1, 0, ...vector(2, [...share, ...padding, ...sni])];
  return [22, 3, 1, ...vector(2, [1, ...vector(3, body)])];
}

test('what the network sends ahead of its turn takes no room in which a hello in two segments is put together', () => {
  const pieces = inTwo(longHello(NAME), 1_448);
  expect(leaks(443, [...OPENING, ...pieces])).toContain(`B ${NAME}`);
  const dissector = new Dissector();
  leaks(443, filling(380), dissector);
  expect(leaks(443, [...OPENING, ...pieces], dissector)).toContain(`B ${NAME}`);
});

test('an acknowledgement that the network forges gives up no piece which the laptop is about to send', () => {
  // As programs against censorship send a hello: its second piece first.
  const [one, two] = inTwo(HELLO, IN_NAME);
  expect(leaks(443, [...OPENING, two, one])).toContain(`B ${NAME}`);
  const forged: Segment = { sequence: 5_001, acknowledgment: 1_001 + HELLO.length, flags: ACK, down: true };
  expect(leaks(443, [...OPENING, two, forged, one])).toContain(`B ${NAME}`);
});

test('a hello in pieces behind a decoy', () => {
  const decoy = says(clientHello('www.example'));
  const [one, two] = inTwo(HELLO, IN_NAME);
  expect(leaks(443, [...OPENING, decoy, one, two])).toContain(`B ${NAME}`);
});

test('a Host that goes on in the next line, cut between both', () => {
  const said = made.text(`GET / HTTP/1.1\r\nHost:\r\n ${NAME}\r\n\r\n`);
  expect(leaks(80, [...OPENING, says(said)])).toContain(`B ${NAME}`);
  expect(leaks(80, [...OPENING, ...inTwo(said, said.indexOf(0x20, 20))])).toContain(`B ${NAME}`);
});

describe('DNSCrypt is known by what its resolver answers', () => {
  const judge = compileJudge(SPLIT);
  const packet = new ParsedPacket();
  const nonce = made.fill(12, 0x33);
  const query = (n: number): Bytes => [
    ...[...made.text('8Jx+-_$%'), ...made.fill(32, 0x91), ...nonce, ...made.fill(16 + 256, n)],
  ];
  const answer = [...made.text('r6fnvWj8'), ...nonce, ...made.fill(12, 0x77), ...made.fill(16 + 256, 0x42)];
  const seen = (dissector: Dissector, payload: Bytes, from: string, down: boolean): string => {
    const ports = down ? ([8_443, 50_000] as const) : ([50_000, 8_443] as const);
    const hosts = down ? { from, to: LAPTOP } : { from: LAPTOP, to: from };
    const link = down ? { from: made.ROUTER, to: made.CLIENT } : {};
    const bytes = made.ethernet(0x0800, made.ipv4(17, made.udp(ports[0], ports[1], payload), hosts), link);
    dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, 1, down ? 'down' : 'up');
    return `${packet.kind} ${judge.judge(packet, down ? 'down' : 'up').rule ?? 'no leak'}`;
  };
  test.each([
    ['and nothing else was sent', 0],
    ['though the network has sent 256 of them unasked', 256],
  ])('%s', (_how, forged) => {
    const dissector = new Dissector();
    for (let n = 0; n < forged; n += 1) seen(dissector, answer, `198.18.0.${n}`, true);
    seen(dissector, query(1), SERVER, false);
    seen(dissector, answer, SERVER, true);
    expect(seen(dissector, query(2), SERVER, false)).toBe('dnscrypt C');
  });
});

test('what a hello in records says behind its first 16 kB, when no more comes', () => {
  const vector = (width: number, bytes: Bytes): Bytes => [
    ...made.u32(bytes.length).slice(4 - width),
    ...bytes,
  ];
  const padding = (length: number): Bytes => [0, 21, ...vector(2, made.fill(length, 0))];
  const sni = [0, 0, ...vector(2, vector(2, [0, ...vector(2, made.text(NAME))]))];
  const extensions = [...padding(16_300), ...sni, ...padding(20_000)];
  const body = [3, 3, ...made.fill(32), 0, 0, 2, 0x13, 1, 1, 0, ...vector(2, extensions)];
  const message = [1, ...vector(3, body)];
  const records: number[] = [];
  for (let at = 0; at < message.length; at += 4_096)
    records.push(22, 3, 1, ...vector(2, message.slice(at, at + 4_096)));
  // The network acknowledges no more, and has asked for segments of 700: of 37 kB the first 16,800 octets, the name among them.
  const pieces: Segment[] = [];
  for (let at = 0; at < 16_800; at += 700) pieces.push(says(records.slice(at, at + 700), 1_001 + at));
  expect(records.slice(0, 16_800).join()).toContain(made.text(NAME).join());
  expect(leaks(443, [...OPENING, ...pieces])).toContain(`B ${NAME}`);
});
