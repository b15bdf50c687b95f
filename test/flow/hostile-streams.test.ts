// Checks that the network cannot keep a name that crosses in the clear from being read by a packet on the way down that would settle what a
// connection is before its client has spoken, or move where it begins. Held against README.md, What it guarantees: a network that sends
// what it likes makes the light redder than it must be, never greener.

import { describe, expect, test } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { LAPTOP, NAME, SERVER, SPLIT } from './split-wire.ts';

const [SYN, SYN_ACK, PUSH] = [2, 0x12, 0x18];

interface Segment {
  readonly sequence: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly payload?: Bytes;
  /** Which way the kernel says that it went. */
  readonly down?: true;
  /** Written into it as the source, where that is not who sends it. */
  readonly asLaptop?: true;
  readonly port?: number;
}

function frame(port: number, of: Segment): Uint8Array {
  const { sequence, acknowledgment = 0, flags = PUSH, payload = [] } = of;
  const fromServer = of.down === true && of.asLaptop !== true;
  const local = of.port ?? 40_000;
  const ports = fromServer ? [port, local] : [local, port];
  const [from, to] = fromServer ? [SERVER, LAPTOP] : [LAPTOP, SERVER];
  const header = [
    ...ports.flatMap((number) => [...made.u16(number)]),
    ...made.u32(sequence >>> 0),
    ...made.u32(acknowledgment >>> 0),
    ...[0x50, flags, ...made.u16(1000), 0, 0, 0, 0],
  ];
  const link = of.down === true ? { from: made.ROUTER, to: made.CLIENT } : {};
  return made.ethernet(0x0800, made.ipv4(6, [...header, ...payload], { from, to }), link);
}

/** What a tap says of the frames that left: rule and name of each leak. */
function leaks(port: number, segments: readonly Segment[], dissector = new Dissector()): string[] {
  const judge = compileJudge(SPLIT);
  const packet = new ParsedPacket();
  return segments.flatMap((segment, at) => {
    const bytes = frame(port, segment);
    dissector.headers(bytes, 0, bytes.length, bytes.length, LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, at, segment.down === true ? 'down' : 'up');
    if (segment.down === true) return [];
    const { verdict, rule = '', exposure } = judge.judge(packet, 'up');
    return verdict === 'leak' ? [`${rule} ${exposure}`] : [];
  });
}

const HELLO = clientHello(NAME);
const REQUEST = made.text(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`);
const OPENING: readonly Segment[] = [
  { sequence: 1_000, flags: SYN },
  { sequence: 5_000, acknowledgment: 1_001, flags: SYN_ACK, down: true },
];
const says = (payload: Bytes, sequence = 1_001): Segment => ({ sequence, acknowledgment: 5_001, payload });

test('without an attack the name is read', () => {
  expect(leaks(443, [...OPENING, says(HELLO)])).toEqual([`B ${NAME}`]);
  expect(leaks(80, [...OPENING, says(REQUEST)])).toEqual([`B ${NAME}`]);
  for (const [port, said] of [
    [443, HELLO],
    [80, REQUEST],
  ] as const) {
    const cut = said.length - 30;
    const pieces = [says(said.slice(0, cut)), says(said.slice(cut), 1_001 + cut)];
    expect(leaks(port, [...OPENING, ...pieces])).toEqual([`B ${NAME}`]);
  }
});

describe.each([
  ['a hello', 443, HELLO],
  ['a request', 80, REQUEST],
] as const)('%s for a protected name is told', (_what, port, said) => {
  // Each forged segment is dropped by the laptop's TCP, or never looked at: its checksum is wrong, or its numbers are out of the window.
  test.each([
    [
      'a second answer to the SYN that acknowledges something else',
      { sequence: 9_000, acknowledgment: 0x40001001, flags: SYN_ACK },
    ],
    ['a banner of SSH', { sequence: 5_001, acknowledgment: 1_001, payload: made.text('SSH-2.0-x\r\n') }],
    [
      'the preface of HTTP/2',
      { sequence: 5_001, acknowledgment: 1_001, payload: made.text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') },
    ],
    [
      'two hellos of its own',
      {
        sequence: 5_001,
        acknowledgment: 1_001,
        payload: [...clientHello('a.example'), ...clientHello('b.example')],
      },
    ],
    [
      'an OpenVPN client reset',
      { sequence: 5_001, acknowledgment: 1_001, payload: [0, 14, 0x38, ...made.fill(8), 0, 0, 0, 0, 0] },
    ],
  ])('though the network has sent %s', (_how, forged: Segment) => {
    expect(leaks(port, [...OPENING, { ...forged, down: true }, says(said)])).toContain(`B ${NAME}`);
  });

  test.each([
    ['a banner of SSH', made.text('SSH-2.0-x\r\n')],
    ['two hellos', [...clientHello('a.example'), ...clientHello('b.example')]],
    ['an OpenVPN client reset', [0, 14, 0x38, ...made.fill(8), 0, 0, 0, 0, 0]],
  ])('though the network has sent %s as if the laptop had', (_how, payload) => {
    const forged: Segment = { sequence: 1_001, payload, down: true, asLaptop: true };
    expect(leaks(port, [...OPENING, forged, says(said)])).toContain(`B ${NAME}`);
  });

  // A small window makes the laptop send its hello in pieces, and wait between them.
  const cut = said.length - 30;
  test.each([
    ['a SYN', [{ sequence: 77, flags: SYN, down: true }]],
    [
      'the second piece itself, otherwise',
      [{ sequence: 1_001 + cut, payload: made.fill(30, 0x2e), down: true, asLaptop: true }],
    ],
    ['a SYN as if the laptop had', [{ sequence: 77, flags: SYN, down: true, asLaptop: true }]],
  ] as const)('though the network has sent between its two pieces %s', (_how, forged) => {
    const pieces = [
      says(said.slice(0, cut)),
      ...(forged as readonly Segment[]),
      says(said.slice(cut), 1_001 + cut),
    ];
    expect(leaks(port, [...OPENING, ...pieces])).toContain(`B ${NAME}`);
  });
});
